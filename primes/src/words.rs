//! Numbers of 2048 bits as the search keeps them, and the ways into an engine's limbs and back: done once for each candidate, so plain.

use zeroize::Zeroizing;

/// How many words such a number has.
pub const WORDS: usize = 2048 / 32;

/// 32-bit words of a 2048-bit number, the lowest first.
pub type Words = [u32; WORDS];

/// Room for the limbs of every engine.
const WIDE: usize = WORDS + 3;

/// `BITS` bits from bit `at` on; 0 beyond the end.
pub(crate) fn bits<const BITS: u32>(words: &Words, at: usize) -> u64 {
    let word = |i: usize| u128::from(words.get(at / 32 + i).copied().unwrap_or(0));
    let three = word(0) | word(1) << 32 | word(2) << 64;
    (three >> (at % 32)) as u64 & ((1 << BITS) - 1)
}

/// 2^`exponent` modulo `n`, of exactly 2048 bits, for an exponent of 2048 or more.
pub(crate) fn power_of_two(exponent: u32, n: &Words) -> Zeroizing<Words> {
    // 2^2048 mod n is 2^2048 - n, since n is more than half of it.
    let mut power = Zeroizing::new([0; WORDS]);
    subtract(&mut power, n);
    for _ in 2048..exponent {
        let mut carry = 0;
        for word in power.iter_mut() {
            let twice = *word << 1 | carry;
            carry = *word >> 31;
            *word = twice;
        }
        if carry == 1 || is_at_least(&power, n) {
            subtract(&mut power, n);
        }
    }
    power
}

/// `x` / 2^`shift` modulo the odd number `n`, where `x` is below 2^`shift` and given in limbs of `bits` bits: what leads out of
/// Montgomery's form.
pub(crate) fn unscale(
    limbs: impl Iterator<Item = u64>,
    bits: usize,
    shift: u32,
    n: &Words,
) -> Words {
    let mut rest = Zeroizing::new([0u32; WIDE]);
    for (i, limb) in limbs.enumerate() {
        let three = u128::from(limb) << (i * bits % 32);
        for (word, part) in rest.iter_mut().skip(i * bits / 32).zip([0, 32, 64]) {
            *word |= (three >> part) as u32;
        }
    }
    let negated_inverse = inverse(n[0]).wrapping_neg();
    let mut left = shift;
    while left > 0 {
        let step = left.min(32);
        // With this multiple of n added the lowest bits are 0, and dropped.
        let quotient = u64::from(rest[0].wrapping_mul(negated_inverse)) & ((1 << step) - 1);
        let mut carry = 0;
        for (i, word) in rest.iter_mut().enumerate() {
            let n = n.get(i).copied().unwrap_or(0);
            carry += quotient * u64::from(n) + u64::from(*word);
            *word = carry as u32;
            carry >>= 32;
        }
        let mut above = 0;
        for word in rest.iter_mut().rev() {
            let both = above << 32 | u64::from(*word);
            above = u64::from(*word);
            *word = (both >> step) as u32;
        }
        left -= step;
    }
    // No more than n, which stands for 0.
    let mut words = [0; WORDS];
    words.copy_from_slice(&rest[..WORDS]);
    if is_at_least(&words, n) {
        subtract(&mut words, n);
    }
    words
}

fn is_at_least(x: &Words, n: &Words) -> bool {
    x.iter().rev().ge(n.iter().rev())
}

fn subtract(x: &mut Words, n: &Words) {
    let mut borrow = 0;
    for (x, n) in x.iter_mut().zip(n) {
        let difference = i64::from(*x) - i64::from(*n) + borrow;
        *x = difference as u32;
        borrow = difference >> 32;
    }
}

/// 1/n modulo 2^32 of an odd number, by Newton's iteration: it is its own inverse modulo 8, and each round doubles the bits that are right.
pub(crate) fn inverse(n: u32) -> u32 {
    (0..4).fold(n, |i, _| {
        i.wrapping_mul(2u32.wrapping_sub(n.wrapping_mul(i)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_taken_across_words() {
        let mut words = [0; WORDS];
        words[..3].copy_from_slice(&[0x89ab_cdef, 0x0123_4567, 0xfedc_ba98]);
        words[WORDS - 1] = 0xf000_0001;
        assert_eq!(bits::<28>(&words, 28), 0x0234_5678);
        assert_eq!(bits::<50>(&words, 20), 0x0001_8012_3456_789a);
        assert_eq!(bits::<50>(&words, 2016), 0xf000_0001);
        assert_eq!(bits::<50>(&words, 2100), 0);
    }

    #[test]
    fn limbs_come_back_as_they_went_in() {
        let n: Words = std::array::from_fn(|i| (i as u32 + 1).wrapping_mul(0x9e37_79b9) | 1);
        let limbs = || (0..74).map(|i| bits::<28>(&n, i * 28));
        let mut below = n;
        below[0] -= 1;
        let below = (0..74).map(|i| bits::<28>(&below, i * 28));
        // Nothing to divide by: only what is n itself becomes 0.
        assert_eq!(unscale(limbs(), 28, 0, &n), [0; WORDS]);
        assert_eq!(unscale(below, 28, 0, &n)[1..], n[1..]);
    }
}

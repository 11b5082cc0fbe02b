//! One question, answered fast: does 2^(n-1) leave 1 when divided by `n`? Every prime above 2 says yes, nearly no other number does.
//!
//! The general library's power takes several times as long in WebAssembly, which has no product of two 64-bit words: limbs of
//! 28 bits let a whole column of products add up in one `u64` without carries, and a base of two needs squarings and
//! doublings only. It merely sorts candidates out; a library judges the one that is left.

use zeroize::Zeroize;

/// 32-bit words of a 2048-bit number, the lowest first.
pub(super) type Words = [u32; WORDS];
pub(super) const WORDS: usize = 2048 / 32;

/// Limbs of a residue: 2072 bits. The 24 spare bits keep a squaring's result below `2n` where its input is below `4n`, so that
/// neither it nor the doubling behind it needs a comparison.
const LIMBS: usize = 74;
const LIMB_BITS: u32 = 28;
const MASK: u64 = (1 << LIMB_BITS) - 1;
type Limbs = [u32; LIMBS];

/// Whether the odd number `n` of exactly 2048 bits passes Fermat's test to base 2.
pub(super) fn passes(n: &Words) -> bool {
    let modulus = Modulus::new(n);
    let one = modulus.one();
    let mut power = one;
    // n - 1 is n without its lowest bit. While the power is 1, squaring it changes nothing.
    for bit in (0..2048).rev() {
        if bit != 2047 {
            power = modulus.square(&power);
        }
        if bit != 0 && n[bit / 32] >> (bit % 32) & 1 == 1 {
            double(&mut power);
        }
    }
    modulus.reduce(&mut power);
    let verdict = power == one;
    power.zeroize();
    verdict
}

/// Montgomery arithmetic (radix 2^2072) modulo one candidate. The candidate may become a secret prime, so it is wiped.
struct Modulus {
    n: Limbs,
    /// -1/n modulo 2^28.
    negated_inverse: u64,
}

impl Drop for Modulus {
    fn drop(&mut self) {
        self.n.zeroize();
        self.negated_inverse.zeroize();
    }
}

impl Modulus {
    fn new(words: &Words) -> Self {
        let n = std::array::from_fn(|i| {
            let (word, shift) = (i * LIMB_BITS as usize / 32, i as u32 * LIMB_BITS % 32);
            let at = |i: usize| u64::from(words.get(i).copied().unwrap_or(0));
            ((at(word) | at(word + 1) << 32) >> shift & MASK) as u32
        });
        // Newton's iteration; an odd number is its own inverse modulo 8, and each round doubles the bits that are right.
        let low = words[0];
        let inverse = (0..4).fold(low, |i, _| {
            i.wrapping_mul(2u32.wrapping_sub(low.wrapping_mul(i)))
        });
        Self {
            n,
            negated_inverse: u64::from(inverse.wrapping_neg()) & MASK,
        }
    }

    /// 2^2072 mod n: the number 1 in Montgomery's form.
    fn one(&self) -> Limbs {
        let mut power = [0; LIMBS];
        let start = 2047;
        power[start / LIMB_BITS as usize] = 1 << (start as u32 % LIMB_BITS);
        for _ in start..LIMBS * LIMB_BITS as usize {
            double(&mut power);
            self.reduce(&mut power);
        }
        power
    }

    /// a² / 2^2072, below 2n where a is below 4n.
    fn square(&self, a: &Limbs) -> Limbs {
        let n = &self.n;
        let mut quotient = [0u32; LIMBS];
        let mut out = [0; LIMBS];
        // No column overflows: 74 products of a and 74 of the quotient, each below 2^56, and the carry.
        let mut column = 0u64;
        for k in 0..LIMBS {
            column += doubled_square_terms(&a[..=k]) + products(&quotient[..k], &n[1..=k]);
            let q = ((column & MASK) * self.negated_inverse) & MASK;
            quotient[k] = q as u32;
            column = (column + q * u64::from(n[0])) >> LIMB_BITS;
        }
        for k in LIMBS..2 * LIMBS {
            let low = k - LIMBS + 1;
            if low < LIMBS {
                column += doubled_square_terms(&a[low..]) + products(&quotient[low..], &n[low..]);
            }
            out[k - LIMBS] = (column & MASK) as u32;
            column >>= LIMB_BITS;
        }
        out
    }

    /// Brings `a` below n.
    fn reduce(&self, a: &mut Limbs) {
        while a.iter().rev().ge(self.n.iter().rev()) {
            let mut borrow = 0i64;
            for (a, n) in a.iter_mut().zip(&self.n) {
                let difference = i64::from(*a) - i64::from(*n) + borrow;
                *a = (difference as u64 & MASK) as u32;
                borrow = difference >> LIMB_BITS;
            }
        }
    }
}

/// The sum of x[i]·y[len-1-i].
fn products(x: &[u32], y: &[u32]) -> u64 {
    x.iter()
        .zip(y.iter().rev())
        .map(|(x, y)| u64::from(*x) * u64::from(*y))
        .sum()
}

/// [`products`] of `x` with itself, each pair multiplied once.
fn doubled_square_terms(x: &[u32]) -> u64 {
    let (low, high) = x.split_at(x.len() / 2);
    match high.split_first() {
        Some((middle, high)) if x.len() % 2 == 1 => {
            2 * products(low, high) + u64::from(*middle) * u64::from(*middle)
        }
        _ => 2 * products(low, high),
    }
}

fn double(a: &mut Limbs) {
    let mut carry = 0;
    for limb in a {
        let twice = *limb << 1 | carry;
        *limb = twice & MASK as u32;
        carry = twice >> LIMB_BITS;
    }
}

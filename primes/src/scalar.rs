//! Montgomery arithmetic for every machine: WebAssembly has no product of two 64-bit words, but limbs of 28 bits let a whole column of
//! products add up in one `u64` without carries, and a base of two needs squarings and doublings only.

use crate::engine::{Engine, NEXT, ROUND, wrap};
use crate::words::{WORDS, Words, bits, inverse, power_of_two, unscale};
use zeroize::{Zeroize, Zeroizing};

/// Limbs of a residue: 2072 bits. The 24 spare bits keep a squaring's result below `2n` where its input is below `4n`, so that
/// neither it nor the doubling behind it needs a comparison.
const LIMBS: usize = 74;
const LIMB_BITS: u32 = 28;
const MASK: u64 = (1 << LIMB_BITS) - 1;
const RADIX_BITS: u32 = LIMBS as u32 * LIMB_BITS;
type Limbs = [u32; LIMBS];

/// 28-bit limbs in integers.
pub enum Scalar {}

impl Engine for Scalar {
    fn power(n: &Words) -> Words {
        let modulus = Modulus::new(n);
        // 1 in Montgomery's form.
        let mut power = Zeroizing::new(limbs(&power_of_two(RADIX_BITS, n)));
        // n - 1 is n without its lowest bit. While the power is 1, squaring it changes nothing.
        for bit in (0..2048).rev() {
            if bit != 2047 {
                *power = modulus.square(&power);
            }
            if bit != 0 && n[bit / 32] >> (bit % 32) & 1 == 1 {
                double(&mut power);
            }
        }
        let limbs = power.iter().map(|limb| u64::from(*limb));
        unscale(limbs, LIMB_BITS as usize, RADIX_BITS, n)
    }

    /// Without a division: every product and sum here is an integer below 2^53, which a double holds exactly, and it does not matter when a
    /// quotient is one off.
    fn residues(words: &[f64; WORDS], primes: &[u32; 4]) -> [u32; 4] {
        let divisors = primes.map(f64::from);
        let inverses = divisors.map(|prime| 1.0 / prime);
        let mut residues = [0.0; 4];
        for word in words {
            for ((residue, prime), inverse) in residues.iter_mut().zip(&divisors).zip(&inverses) {
                let value = *residue * NEXT + word;
                let quotient = (value * inverse + ROUND) - ROUND;
                *residue = value - quotient * prime;
            }
        }
        wrap(residues, primes)
    }
}

fn limbs(words: &Words) -> Limbs {
    std::array::from_fn(|i| bits::<LIMB_BITS>(words, i * LIMB_BITS as usize) as u32)
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
        Self {
            n: limbs(words),
            negated_inverse: u64::from(inverse(words[0]).wrapping_neg()) & MASK,
        }
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

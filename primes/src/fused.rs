//! Montgomery arithmetic on doubles, for machines that multiply and add two pairs of them with one rounding (relaxed SIMD).
//!
//! A limb is an integer below 2^50 in a double. The product of two has up to 101 bits: added to 3·2^101, whose last place is worth 2^50,
//! it leaves its upper half there; that upper half taken away again in a second fused step leaves the lower half beside 3·2^51, exactly. Both
//! halves then stand in the low bits of a double whose high bits are known, so that whole columns are summed as 64-bit integers and what
//! the high bits add up to is taken away once a column (Emmart, Zheng and Weems, ARITH 2018).

use crate::engine::{Engine, NEXT, ROUND, wrap};
use crate::lanes::Lanes;
use crate::words::{WORDS, Words, bits, inverse, power_of_two, unscale};
use zeroize::{Zeroize, Zeroizing};

/// Limbs of a residue, 2100 bits: so far above the modulus that nothing between the squarings needs a comparison.
const LIMBS: usize = 42;
const PAIRS: usize = LIMBS / 2;
const LIMB_BITS: u32 = 50;
const MASK: i64 = (1 << LIMB_BITS) - 1;
const RADIX_BITS: u32 = LIMBS as u32 * LIMB_BITS;

/// Two neighbouring limbs, the lower one first.
type Pairs = [[f64; 2]; PAIRS];

/// 3·2^51: 1.5 times the power of two whose last place is 1.
const LOW: f64 = 6_755_399_441_055_744.0;
/// 3·2^101: the same for a last place of 2^50.
const HIGH: f64 = LOW * 1_125_899_906_842_624.0;
/// Its sum with [`LOW`] is exact.
const BOTH: f64 = HIGH + LOW;

/// 50-bit limbs in doubles.
pub enum Fused {}

impl Engine for Fused {
    fn power(n: &Words) -> Words {
        let modulus = Modulus::new(n);
        // 1 in Montgomery's form.
        let mut power = Zeroizing::new(pairs(&power_of_two(RADIX_BITS, n)));
        let bit = |at: usize| i64::from(at != 0 && n[at / 32] >> (at % 32) & 1 == 1);
        // n - 1 is n without its lowest bit, and begins with a 1. While the power is 1, squaring it changes nothing.
        for at in (0..2048).rev() {
            *power = modulus.square(&power, bit(at));
        }
        let limbs = power.iter().flatten().map(|limb| *limb as u64);
        unscale(limbs, LIMB_BITS as usize, RADIX_BITS, n)
    }

    fn residues(words: &[f64; WORDS], primes: &[u32; 4]) -> [u32; 4] {
        residues(words, primes)
    }
}

/// As [`crate::Scalar`] does it, two and two.
#[cfg_attr(
    target_arch = "wasm32",
    target_feature(enable = "simd128,relaxed-simd")
)]
fn residues(words: &[f64; WORDS], primes: &[u32; 4]) -> [u32; 4] {
    let [a, b, c, d] = primes.map(f64::from);
    let (round, next) = (Lanes::splat(ROUND), Lanes::splat(NEXT));
    let pairs = [[a, b], [c, d]];
    let negated = pairs.map(|[even, odd]| Lanes::new(-even, -odd));
    let inverses = pairs.map(|[even, odd]| Lanes::new(1.0 / even, 1.0 / odd));
    let mut residues = [Lanes::splat(0.0); 2];
    for word in words {
        for ((residue, negated), inverse) in residues.iter_mut().zip(negated).zip(inverses) {
            let value = residue.times_plus(next, Lanes::splat(*word));
            let quotient = value.times_plus(inverse, round).minus(round);
            *residue = quotient.times_plus(negated, value);
        }
    }
    let [[a, b], [c, d]] =
        residues.map(|lanes| lanes.bits().map(|bits| f64::from_bits(bits as u64)));
    wrap([a, b, c, d], primes)
}

fn pairs(words: &Words) -> Pairs {
    let limb = |i: usize| bits::<LIMB_BITS>(words, i * LIMB_BITS as usize) as f64;
    std::array::from_fn(|i| [limb(2 * i), limb(2 * i + 1)])
}

/// Montgomery arithmetic (radix 2^2100) modulo one candidate. The candidate may become a secret prime, so it is wiped.
struct Modulus {
    n: Pairs,
    /// -1/n modulo 2^50.
    negated_inverse: i64,
}

impl Drop for Modulus {
    fn drop(&mut self) {
        self.n.zeroize();
        self.negated_inverse.zeroize();
    }
}

/// The sums of two columns and their upper halves, of which each column is the sum of products of two limbs.
#[derive(Clone, Copy)]
struct Columns {
    /// Of the columns 2t and 2t + 1.
    first: Lanes,
    /// Of the columns 2t + 1 and 2t + 2.
    second: Lanes,
    /// Of the columns 2t + 2 and 2t + 3.
    third: Lanes,
}

impl Columns {
    /// Adds both limbs' products with two others.
    #[cfg_attr(
        target_arch = "wasm32",
        target_feature(enable = "simd128,relaxed-simd")
    )]
    #[inline]
    fn add(&mut self, [even, odd]: [f64; 2], others: Lanes) {
        let (low, high) = product(Lanes::splat(even), others);
        self.first = self.first.plus_bits(low);
        self.second = self.second.plus_bits(high);
        let (low, high) = product(Lanes::splat(odd), others);
        self.second = self.second.plus_bits(low);
        self.third = self.third.plus_bits(high);
    }
}

/// The lower and the upper half of each lane's product, above [`LOW`] and [`HIGH`].
#[cfg_attr(
    target_arch = "wasm32",
    target_feature(enable = "simd128,relaxed-simd")
)]
#[inline]
fn product(a: Lanes, b: Lanes) -> (Lanes, Lanes) {
    let high = a.times_plus(b, Lanes::splat(HIGH));
    let rest = Lanes::splat(BOTH).minus(high);
    (a.times_plus(b, rest), high)
}

impl Modulus {
    fn new(words: &Words) -> Self {
        let inverse = i64::from(inverse(words[0]));
        let low = bits::<LIMB_BITS>(words, 0) as i64;
        // Right modulo 2^32; one more round doubles that.
        let inverse = inverse.wrapping_mul(2i64.wrapping_sub(low.wrapping_mul(inverse)));
        Self {
            n: pairs(words),
            negated_inverse: inverse.wrapping_neg() & MASK,
        }
    }

    /// 2^`doublings`·a² / 2^2100, for at most one doubling: below 2^2052 where a is.
    #[cfg_attr(
        target_arch = "wasm32",
        target_feature(enable = "simd128,relaxed-simd")
    )]
    fn square(&self, a: &Pairs, doublings: i64) -> Pairs {
        let low_bits = LOW.to_bits() as i64;
        let high_bits = HIGH.to_bits() as i64;
        let zero = Lanes::splat_bits(0);

        let doubled = a.map(|[even, odd]| [2.0 * even, 2.0 * odd]);
        let others = a.map(|[even, odd]| Lanes::new(even, odd));
        let moduli = self.n.map(|[even, odd]| Lanes::new(even, odd));
        let mut quotients = [[0.0; 2]; PAIRS];
        let mut out = [[0.0; 2]; PAIRS];

        let mut first = zero;
        // Of the second columns before: what they have of the column that is the lower one now.
        let mut before = 0i64;
        let mut carry = 0i64;
        for t in 0..2 * PAIRS {
            let mut columns = Columns {
                first,
                second: zero,
                third: zero,
            };
            // Pairs i and t - i, each once and one of them doubled, and the one with itself.
            let from = (t + 1).saturating_sub(PAIRS);
            let middle = t.div_ceil(2);
            for (pair, others) in doubled[from..middle]
                .iter()
                .zip(others[t + 1 - middle..t + 1 - from].iter().rev())
            {
                columns.add(*pair, *others);
            }
            let mut terms = middle - from;
            if t % 2 == 0 && t / 2 < PAIRS {
                columns.add(a[t / 2], others[t / 2]);
                terms += 1;
            }
            let to = t.min(PAIRS);
            for (pair, others) in quotients[from..to]
                .iter()
                .zip(moduli[t + 1 - to..t + 1 - from].iter().rev())
            {
                columns.add(*pair, *others);
            }
            terms += to - from;

            let is_lower_half = t < PAIRS;
            let terms = (terms + usize::from(is_lower_half)) as i64;
            let (low, high) = (terms.wrapping_mul(low_bits), terms.wrapping_mul(high_bits));
            columns.first = columns.first.minus_bits(Lanes::splat_bits(low));
            columns.second = columns
                .second
                .minus_bits(Lanes::splat_bits(low.wrapping_add(high)));
            columns.third = columns.third.minus_bits(Lanes::splat_bits(high));

            if is_lower_half {
                // What makes these two columns 0 modulo 2^50, one after the other. Its own term is not there yet, but already taken away.
                let modulus = moduli[0];
                let at = columns.first.bits()[0].wrapping_add(low_bits);
                let even = self.quotient(at.wrapping_add(before).wrapping_add(carry));
                let (low, high) = product(Lanes::splat(even), modulus);
                columns.first = columns.first.plus_bits(low);
                columns.second = columns.second.plus_bits(high);
                let [lower, upper] = columns.first.bits();
                carry = lower.wrapping_add(before).wrapping_add(carry) >> LIMB_BITS;

                let at = upper.wrapping_add(columns.second.bits()[0]);
                let odd = self.quotient(at.wrapping_add(low_bits).wrapping_add(carry));
                let (low, high) = product(Lanes::splat(odd), modulus);
                columns.second = columns.second.plus_bits(low);
                columns.third = columns.third.plus_bits(high);
                let sum = upper.wrapping_add(columns.second.bits()[0]);
                carry = sum.wrapping_add(carry) >> LIMB_BITS;

                quotients[t] = [even, odd];
                if t + 1 == PAIRS {
                    carry <<= doublings;
                }
            } else {
                let [lower, upper] = columns.first.bits();
                let sum = lower.wrapping_add(before) << doublings;
                let even = sum.wrapping_add(carry);
                let sum = upper.wrapping_add(columns.second.bits()[0]) << doublings;
                let odd = sum.wrapping_add(even >> LIMB_BITS);
                carry = odd >> LIMB_BITS;
                out[t - PAIRS] = [(even & MASK) as f64, (odd & MASK) as f64];
            }
            before = columns.second.bits()[1];
            first = columns.third;
        }
        out
    }

    fn quotient(&self, column: i64) -> f64 {
        (column.wrapping_mul(self.negated_inverse) & MASK) as f64
    }
}

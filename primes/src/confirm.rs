//! The last word on a prime.

use crate::words::{WORDS, Words};
use crypto_bigint::U2048;
use crypto_primes::{Flavor, is_prime};
use zeroize::{Zeroize, Zeroizing};

/// Whether a library holds the number for prime: the Baillie-PSW test in its strengthened form (Math. Comp. 90, 2021), of which no
/// composite number is known that passes.
pub fn confirm(n: &Words) -> bool {
    let mut bytes = Zeroizing::new([0; WORDS * 4]);
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(n) {
        *bytes = word.to_le_bytes();
    }
    let mut number = U2048::from_le_slice(&*bytes);
    let verdict = is_prime(Flavor::Any, &number);
    number.zeroize();
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Prime, Start};

    #[test]
    fn only_primes_are_confirmed() {
        // The third key of the golden ones: its first prime stands at 422.
        let start = Start::of(&[5; 32], Prime::P);
        assert!(confirm(&start.candidate(422).unwrap()));
        for composite in [0, 421, 423] {
            assert!(
                !confirm(&start.candidate(composite).unwrap()),
                "{composite}"
            );
        }
    }
}

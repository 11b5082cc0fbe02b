//! Who has how much: everybody a little, and the rest by the distribution.

use super::{Chance, Distribution};

/// The part of the average that everybody has at least: enough for channels of their own.
const FLOOR: u64 = 20;
/// One of so many nodes is among the few.
const FEW: u32 = 8;
/// Coins that fall for each node, on average.
const COINS: u32 = 4;
/// Blocks that are found for each node, on average.
const BLOCKS: u32 = 20;
/// How unequal work may be, before it is squared.
const WORK: u32 = 100;

/// What each node has, in satoshis; together exactly `average` for each of them.
pub fn deal(distribution: Distribution, nodes: u32, average: u64, chance: &mut Chance) -> Vec<u64> {
    let floor = average / FLOOR;
    let rest = (average - floor) * u64::from(nodes);
    let weights: Vec<u64> = match distribution {
        Distribution::Egalitarian => vec![1; nodes as usize],
        Distribution::Political => {
            let few = (nodes / FEW).max(1);
            let many = nodes - few;
            let mut weights = vec![0; nodes as usize];
            for (place, node) in (0_u32..).zip(chance.order(nodes)) {
                if let Some(weight) = weights.get_mut(node as usize) {
                    // Four fifths to the few, one to the many.
                    *weight = u64::from(if place < few { 4 * many } else { few });
                }
            }
            weights
        }
        Distribution::Poisson => {
            let mut coins = vec![0; nodes as usize];
            for _ in 0..nodes * COINS {
                if let Some(coins) = coins.get_mut(chance.below(nodes) as usize) {
                    *coins += 1;
                }
            }
            coins
        }
        Distribution::ProofOfWork => {
            let work: Vec<u32> = (0..nodes)
                .map(|_| (chance.below(WORK) + 1).pow(2))
                .collect();
            let all: u32 = work.iter().sum();
            let mut blocks = vec![0; nodes as usize];
            for _ in 0..nodes * BLOCKS {
                let mut found = chance.below(all);
                for (node, work) in work.iter().enumerate() {
                    if found < *work {
                        blocks[node] += 1;
                        break;
                    }
                    found -= work;
                }
            }
            blocks
        }
    };
    shares(rest, &weights)
        .into_iter()
        .map(|share| floor + share)
        .collect()
}

/// Splits `sats` by weight; what does not divide goes to the first, a satoshi each.
fn shares(sats: u64, weights: &[u64]) -> Vec<u64> {
    let all: u128 = weights.iter().copied().map(u128::from).sum();
    let share = |weight: &u64| {
        let share = u128::from(sats) * u128::from(*weight) / all.max(1);
        u64::try_from(share).unwrap_or(u64::MAX)
    };
    let mut shares: Vec<u64> = weights.iter().map(share).collect();
    let left = sats.saturating_sub(shares.iter().sum());
    for (share, _) in shares.iter_mut().zip(0..left) {
        *share += 1;
    }
    shares
}

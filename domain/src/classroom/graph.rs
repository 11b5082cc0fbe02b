//! Who has channels with whom.

use super::{Chance, Graph};
use std::collections::BTreeSet;

/// In a sparse graph nobody gets more than this many channels: each costs memory at both ends.
const MAX_DEGREE: usize = 6;

/// The channels, as (opener, other end); no pair twice, and all nodes connected.
pub fn edges(graph: Graph, nodes: u32, chance: &mut Chance) -> Vec<(u32, u32)> {
    match graph {
        Graph::Full => {
            let pairs = (0..nodes).flat_map(|a| (a + 1..nodes).map(move |b| (a, b)));
            // Who opens takes turns, so that nobody pays for all of theirs.
            pairs
                .map(|(a, b)| if (a + b) % 2 == 0 { (a, b) } else { (b, a) })
                .collect()
        }
        Graph::Sparse => sparse(nodes, chance),
    }
}

/// A ring in random order, then as many channels across it.
fn sparse(nodes: u32, chance: &mut Chance) -> Vec<(u32, u32)> {
    let ring = chance.order(nodes);
    let next = ring.iter().cycle().skip(1);
    let mut edges: Vec<(u32, u32)> = ring.iter().copied().zip(next.copied()).collect();
    let mut taken: BTreeSet<(u32, u32)> =
        edges.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
    // Enough tries to find them all in practice; a graph with some fewer is as good.
    for _ in 0..nodes * 50 {
        if edges.len() >= 2 * nodes as usize {
            break;
        }
        let (a, b) = (chance.below(nodes), chance.below(nodes));
        let degree = |node| {
            edges
                .iter()
                .filter(|(a, b)| *a == node || *b == node)
                .count()
        };
        let pair = (a.min(b), a.max(b));
        if a != b && degree(a) < MAX_DEGREE && degree(b) < MAX_DEGREE && taken.insert(pair) {
            edges.push((a, b));
        }
    }
    edges
}

// A class.json as the Worker makes it, for tests: nodes and channels of a plan, small enough to read.
export const PLANS = { A: 8, B: 16, C: 32, D: 64 };

/** graph "sparse": a ring and each node's second neighbour, a mean degree of four; "full": every two nodes. */
export function classOf(plan, { graph = "sparse", domain = "", hours = 48, satsPerNode = 100_000_000 } = {}) {
  const count = PLANS[plan];
  const every = Array.from({ length: count }, (_, i) => i);
  const pairs = graph === "full" ? every.flatMap((from) => every.slice(from + 1).map((to) => [from, to])) : every.flatMap((from) => [[from, (from + 1) % count], [from, (from + 2) % count]]);
  const degree = every.map((i) => pairs.filter((pair) => pair.includes(i)).length);
  const sats = Math.floor(satsPerNode / Math.max(...degree) / 2);
  return {
    plan, hours, graph, distribution: "egalitarian", seed: 123, satsPerNode, domain,
    connectUrl: "https://app.clams.tech", walletUrl: "https://remote.clams.tech",
    nodes: every.map((i) => ({ name: `Animal${i}`, wealthSats: satsPerNode, fundSats: satsPerNode + 1_000_001 })),
    channels: pairs.map(([from, to]) => ({ from, to, sats, pushSats: Math.floor(sats / 2) })),
  };
}

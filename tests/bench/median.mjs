// The statistics that everything here is reported by.

/** The middle value, or the mean of the two middle ones. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The value that 95 of 100 do not exceed. */
export function percentile95(values) {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1];
}

/** KINDLING_BENCH_N makes every count smaller, for whoever works on the benchmark itself. */
export function count(usual) {
  return Math.min(usual, Number(process.env.KINDLING_BENCH_N ?? usual));
}

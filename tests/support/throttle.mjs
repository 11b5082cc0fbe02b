// A slow phone on a slow network, by DevTools. Workers have a target of their own, which this does not reach: it slows what the page itself
// loads, asks and computes.

/** DevTools' own "Slow 3G": 400 kbit/s each way, two seconds until anything comes. */
const SLOW_3G = { offline: false, latency: 2000, downloadThroughput: 50_000, uploadThroughput: 50_000 };

/** cpu: how many times slower. It holds over navigations, for as long as the page lives. */
export async function slowDown(page, { cpu = 6, network = SLOW_3G } = {}) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', network);
  await session.send('Emulation.setCPUThrottlingRate', { rate: cpu });
}

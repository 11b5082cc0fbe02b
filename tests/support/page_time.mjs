// How long something takes by the page's own clock, which stands still while the machine is busy with something else.

/** Loads the page again with a clock that can be stopped: the timers of one that runs already cannot. */
export async function withOwnClock(page) {
  await page.clock.install();
  await page.reload();
}

/** Stops that clock, a second ahead: what is due until then happens first. */
export async function stopClock(page) {
  await page.clock.pauseAt(await page.evaluate(() => Date.now()) + 1000);
}

/** The page gets as far as `locator` while its stopped clock goes on by so many milliseconds and no more; the answers it waits for may take their time. */
export async function comesWithin(page, ms, locator) {
  await page.clock.runFor(ms);
  await locator.first().waitFor();
}

// How long something takes by the page's own clock, which stands still while the machine is busy with something else.

/** What the page loads from now on has a clock that can be stopped. */
export async function giveClock(page) {
  await page.clock.install();
  await page.addInitScript(countQuestions);
}

/** Loads the page again with such a clock: the timers of one that runs already cannot be stopped. */
export async function withOwnClock(page) {
  await giveClock(page);
  await page.reload();
}

/** Stops that clock, a second ahead: what is due until then happens first, and what was asked by then is answered. */
export async function stopClock(page) {
  const stop = async () => page.clock.pauseAt(await page.evaluate(() => Date.now()) + 1000);
  // Told too late, it stops where it is by then: the second is still to come.
  await stop().catch(stop);
  await answered(page);
}

/** Nothing that the page has asked the server is under way: what it asks from now on is asked anew. */
export const answered = (page) => page.waitForFunction(() => window.questions === 0);

/** The page gets as far as `locator` while its stopped clock goes on by so many milliseconds and no more; the answers it waits for may take their time. */
export async function comesWithin(page, ms, locator) {
  await page.clock.runFor(ms);
  await locator.first().waitFor();
}

/** In the page: `window.questions` is how many answers of the server it waits for. */
function countQuestions() {
  window.questions = 0;
  const { fetch } = window;
  const { text } = Response.prototype;
  const answers = new WeakSet();
  // Behind all that the page makes of the answer at once.
  const count = () => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      window.questions -= 1;
      port1.close();
    };
    port2.postMessage(null);
  };
  window.fetch = async (address, ...rest) => {
    if (!String(address).startsWith('/api/')) return fetch(address, ...rest);
    window.questions += 1;
    try {
      const answer = await fetch(address, ...rest);
      answers.add(answer);
      return answer;
    } catch (problem) {
      count();
      throw problem;
    }
  };
  Response.prototype.text = async function read() {
    try {
      return await text.call(this);
    } finally {
      if (answers.delete(this)) count();
    }
  };
}

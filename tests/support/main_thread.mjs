// How long a page's own thread works at a time: the time that its tasks spent on a processor, from Chromium's trace. How long they lasted by the
// clock would judge the machine instead, whose processors may be busy with something else.

/** As DevTools has them: one event for each task of a thread, with the thread's own time. */
const TASKS = { category: 'disabled-by-default-devtools.timeline', name: 'RunTask' };
/** Tells which of the trace's many threads is the page's. */
const MARK = 'kindling-main-thread';
/** What follows `use` still belongs to it: a picture that was asked for is painted, a timer goes off. */
const AFTERWARDS_MS = 100;

/**
 * Runs `use`, during which the page stays in its document. One at a time in one browser.
 * -> {result, tasks: [{worked, lasted}] in ms, the one that worked longest first}
 */
export async function watchMainThread(page, use) {
  const browser = page.context().browser();
  await browser.startTracing(page, { categories: ['-*', TASKS.category, 'blink.user_timing'] });
  let result;
  let trace;
  try {
    await page.evaluate((mark) => { performance.mark(mark); }, MARK);
    result = await use();
    await page.evaluate((ms) => new Promise((resolve) => { setTimeout(resolve, ms); }), AFTERWARDS_MS);
  } finally {
    trace = await browser.stopTracing();
  }
  return { result, tasks: tasksOf(JSON.parse(trace).traceEvents) };
}

function tasksOf(events) {
  const mark = events.find(({ name, cat }) => name === MARK && cat === 'blink.user_timing');
  if (!mark) throw new Error("the trace does not tell which thread is the page's");
  const tasks = events
    .filter(({ pid, tid, cat, name, ph }) => pid === mark.pid && tid === mark.tid && cat === TASKS.category && name === TASKS.name && ph === 'X');
  // Without the thread's time every task would pass.
  if (!tasks.length || !tasks.every(({ dur, tdur }) => dur >= 0 && tdur >= 0)) throw new Error('the trace does not tell how long tasks worked');
  return tasks.map(({ dur, tdur }) => ({ worked: tdur / 1000, lasted: dur / 1000 })).sort((a, b) => b.worked - a.worked);
}

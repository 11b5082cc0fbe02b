// Child processes of the tests: known ready by what they print, and never left behind.

import crypto from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';

const running = new Set();
process.on('exit', () => { for (const child of running) child.signal('SIGKILL'); });
// Without these, a signal would end this process before 'exit' could end its children.
for (const [name, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.once(name, () => process.exit(code));

/**
 * Starts a command in its own process group. `background` keeps it from holding the test process open.
 * -> {pid, output(), until(regexp, ms) -> match, signal(name) to the whole group, stop() (SIGTERM, then wait), kill() (SIGKILL, then wait), exited}
 */
export function startProcess(command, args, { cwd, env, background = false } = {}) {
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const parts = [child, child.stdout, child.stderr];
  let text = '';
  let ended = false;
  const watchers = new Set();
  const hear = (chunk) => {
    text += chunk;
    for (const look of watchers) look();
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);

  const exited = new Promise((resolve) => {
    const end = (code, signal) => {
      ended = true;
      running.delete(handle);
      for (const look of watchers) look();
      resolve({ code, signal });
    };
    child.once('error', (problem) => {
      text += problem.message;
      end(null, null);
    });
    child.once('close', end);
  });

  const handle = {
    pid: child.pid,
    exited,
    output: () => text,
    until(pattern, timeoutMs = 60_000) {
      return new Promise((resolve, reject) => {
        const settle = (act, value) => {
          clearTimeout(timer);
          watchers.delete(look);
          act(value);
        };
        const look = () => {
          const found = pattern.exec(text);
          if (found) settle(resolve, found);
          else if (ended) settle(reject, new Error(`${command} ended before ${pattern}:\n${text.slice(-4000)}`));
        };
        const timer = setTimeout(() => settle(reject, new Error(`${command}: no ${pattern} in ${timeoutMs} ms:\n${text.slice(-4000)}`)), timeoutMs);
        watchers.add(look);
        look();
      });
    },
    signal(name) {
      if (ended || child.pid === undefined) return;
      try {
        process.kill(-child.pid, name);
      } catch (problem) {
        if (problem.code !== 'ESRCH') throw problem;
      }
    },
    async stop() {
      for (const part of parts) part.ref();
      handle.signal('SIGTERM');
      const impatient = setTimeout(() => handle.signal('SIGKILL'), 10_000);
      await exited;
      clearTimeout(impatient);
    },
    async kill() {
      for (const part of parts) part.ref();
      handle.signal('SIGKILL');
      await exited;
    },
  };
  running.add(handle);
  if (background) for (const part of parts) part.unref();
  return handle;
}

/** A port that nothing listens on, below those that the system hands out by itself, so that no other socket takes it before its user does. */
export async function freePort() {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = crypto.randomInt(12_000, 32_000);
    const server = net.createServer();
    const listening = await new Promise((resolve) => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)));
    if (!listening) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error('no free port');
}

/** Waits for a spawned child's end -> {exitCode, stdout, stderr} */
export async function ending(child) {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { stderr += text; });
  const [exitCode] = await once(child, 'close');
  return { exitCode, stdout, stderr };
}

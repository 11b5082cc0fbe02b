// Child processes of the tests: known ready by what they print, and never left behind.

import crypto from 'node:crypto';
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** How long is waited for what should be seen soon, in ms: no machine is so busy that this passes while all is well. */
export const PATIENCE = 120_000;

const running = new Set();
process.on('exit', () => { for (const child of running) child.signal('SIGKILL'); });
// Without these, a signal would end this process before 'exit' could end its children.
for (const [name, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.once(name, () => process.exit(code));

/**
 * Starts a command in its own process group. `background` keeps it from holding the test process open.
 * -> {pid, output(), until(regexp, ms) -> match, signal(name) to the whole group, stop() (SIGTERM, then wait), kill() (SIGKILL, then wait), exited};
 * stop() and kill() wait for the whole group: what its leader started may outlive it by a moment, and with it the files and ports that are used again.
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
    until(pattern, timeoutMs = PATIENCE) {
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
      if (child.pid === undefined || (ended && !runs(child.pid))) return;
      try {
        process.kill(-child.pid, name);
      } catch (problem) {
        if (problem.code !== 'ESRCH') throw problem;
      }
    },
    async stop() {
      for (const part of parts) part.ref();
      handle.signal('SIGTERM');
      const impatient = setTimeout(() => handle.signal('SIGKILL'), PATIENCE / 2);
      await exited;
      await groupEnds(child.pid);
      clearTimeout(impatient);
    },
    async kill() {
      for (const part of parts) part.ref();
      handle.signal('SIGKILL');
      await exited;
      await groupEnds(child.pid);
    },
  };
  running.add(handle);
  if (background) for (const part of parts) part.unref();
  return handle;
}

/** Resolves when no process of this group runs any more. One that has ended counts as gone, whether anybody has taken note of its end or not. */
async function groupEnds(group) {
  while (runs(group)) await pause(10);
}

function runs(group) {
  if (group === undefined) return false;
  if (!fs.existsSync('/proc/self/stat')) {
    try {
      return process.kill(-group, 0);
    } catch {
      return false;
    }
  }
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).some((pid) => {
    try {
      // The command stands in round brackets, and may hold anything.
      const [state, , of] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
      return Number(of) === group && !'ZX'.includes(state);
    } catch {
      return false; // gone since it was listed
    }
  });
}

const claims = []; // kept until the end of this process

/**
 * A port for a server of this process or of a child of its: below those that the system hands out by itself, so that no other socket takes it
 * before its user does, nor while its user is started anew.
 */
export async function freePort() {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = crypto.randomInt(12_000, 32_000);
    // Other test processes choose ports, too: the one that holds the UDP port of this number has it.
    const claim = dgram.createSocket('udp4');
    if (!await binds(claim, (done) => claim.bind(port, '127.0.0.1', done))) continue;
    claim.unref();
    claims.push(claim);
    const server = net.createServer();
    if (!await binds(server, (done) => server.listen(port, '127.0.0.1', done))) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error('no free port');
}

const binds = (socket, begin) => new Promise((resolve) => {
  socket.once('error', () => resolve(false));
  begin(() => resolve(true));
});

/** Waits for a spawned child's end -> {exitCode, stdout, stderr} */
export async function ending(child) {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text) => { stderr += text; });
  const [exitCode] = await once(child, 'close');
  return { exitCode, stdout, stderr };
}

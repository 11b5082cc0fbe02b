// What the page tells people to type: right for their system, complete, and never anything that a server could have slipped in.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { orderNode } from './pages/order.mjs';
import { browser, skip, worker } from './shop.mjs';

let visit;
let bought;

const commands = () => visit.page.locator('.command code').allInnerTexts();
const credentials = async () => {
  const authorization = visit.requests.map(({ headers }) => headers.authorization).find(Boolean);
  return (await (await worker.fetch(`/api/bootstrap/${bought.link().id}`, { headers: { authorization } })).json()).credentials;
};

describe('the commands', { skip }, () => {
  before(async () => {
    visit = await browser.open({ size: 'desktop', baseURL: worker.url });
    bought = await orderNode(visit.page);
    await bought.untilReady();
  });

  test('fit the system that is chosen, and a Unix shell parses them', async () => {
    const name = `kindling-${bought.link().id.slice(0, 8)}`;
    const { nodeIp, hostKeys } = await credentials();
    for (const system of ['macOS', 'Linux']) {
      await visit.page.getByRole('radio', { name: system }).check();
      const shown = await commands();
      assert.equal(shown[0], `mkdir -p -m 700 ~/.ssh\nmv ~/Downloads/${name} ~/.ssh/\nchmod 600 ~/.ssh/${name}`);
      assert.equal(shown[1], hostKeys.map((key) => `echo '${nodeIp} ${key}' >> ~/.ssh/known_hosts`).join('\n'));
      assert.equal(shown[2], `ssh -i ~/.ssh/${name} root@${nodeIp}`);
      const rest = shown.slice(3).join('\n');
      for (const part of ['cat /root/node-credentials.txt', '/opt/kindling/ops.sh sync', `-L 5000:127.0.0.1:5000 root@${nodeIp}`]) {
        assert.ok(rest.includes(part), part);
      }
      execFileSync('bash', ['-n'], { input: shown.filter((command) => !command.startsWith(nodeIp)).join('\n') });
    }
    await visit.page.getByRole('radio', { name: 'Windows' }).check();
    const shown = await commands();
    assert.ok(shown[0].includes(`icacls "$HOME\\.ssh\\${name}" /inheritance:r`), shown[0]);
    assert.ok(shown[1].startsWith(`Add-Content "$HOME\\.ssh\\known_hosts" '${nodeIp} `), shown[1]);
    assert.equal(shown[2], `ssh -i "$HOME\\.ssh\\${name}" root@${nodeIp}`);
  });

  test('are not shown where address or host keys could act on a shell', async () => {
    const { page } = visit;
    const good = await credentials();
    const bad = [
      ...['', 'host.example', '203.0.113.7; id', '$(id)', '-oProxyCommand=id'].map((nodeIp) => ({ ...good, nodeIp })),
      ...["ssh-ed25519 A'; id #", 'ssh-ed25519 AA\nid', '$(id) AAAA', 'ssh-ed25519', ''].map((key) => ({ ...good, hostKeys: [key] })),
    ];
    let answer;
    await page.routeWebSocket(/\/live$/, (socket) => socket.close());
    await page.route(/\/api\/bootstrap\/[0-9a-f]{32}$/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), credentials: answer } });
    });
    for (answer of bad) {
      await page.reload();
      await page.getByText("The machine's address looks wrong").waitFor();
      assert.deepEqual(await commands(), [], JSON.stringify(answer));
    }
    answer = good;
    await page.reload();
    await page.locator('.command').first().waitFor();
  });
});

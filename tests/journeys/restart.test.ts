import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded, send } from '@eve/adapter-process';
import { engineLayout, findDockerd, findEngine } from '@eve/local';
import { type Installation, installation, type StartedEve } from './installation.ts';
import { addProduct, productsAt, shopUrl } from './shop.ts';

describe('Eve that ends and comes back', () => {
  let eve: Installation;
  let started: StartedEve;
  let url: string;
  let project: string;

  before(async () => {
    eve = await installation();
  });
  after(async () => {
    await eve?.[Symbol.asyncDispose]();
  });

  const projectId = async () => (await (await eve.client()).getProject('shop')).id;
  const sellsBiscuits = async () => /Biscuits/.test((await productsAt(url)) ?? '');
  async function start(context: { diagnostic(text: string): void }) {
    started = await eve.start('Eve is ready');
    context.diagnostic(`ready after ${started.readyMs} ms`);
  }

  it('deploys the example when it starts for the first time', async (context) => {
    started = await eve.start('Ctrl-C stops Eve');
    context.diagnostic(`ready, with the example, after ${started.readyMs} ms`);
    url = await shopUrl(eve);
    project = await projectId();
    await addProduct(eve, 'Biscuits');

    assert.equal(await sellsBiscuits(), true);
  });

  it('ends by Ctrl-C without an error, and the app goes on', async () => {
    const code = await started.interrupt();

    assert.equal(code, 0);
    assert.equal(await sellsBiscuits(), true);
  });

  it('keeps its projects over a second start', async (context) => {
    await start(context);

    assert.equal(await projectId(), project);
    assert.equal(await shopUrl(eve), url);
    assert.equal(await sellsBiscuits(), true);
  });

  it('starts after kill -9, through which the app goes on', async (context) => {
    await started.kill();
    assert.equal(await sellsBiscuits(), true);

    await start(context);

    assert.equal(await projectId(), project);
    assert.equal(await sellsBiscuits(), true);
  });

  it('starts the engine again that was killed, and the app answers again', async (context) => {
    await started.interrupt();
    const dockerd = await findDockerd(engineLayout(eve.dataDir));
    if (!dockerd) {
      assert.equal((await findEngine({ dataDir: eve.dataDir }))?.own, false);
      context.diagnostic('the machine has an engine of its own, which is not killed');
    } else {
      send('SIGKILL', dockerd.pid);
      await hasEnded(dockerd, 10_000);
    }

    await start(context);

    assert.equal(await within(60_000, sellsBiscuits), true);
  });

  it('stops everything with npm stop', async () => {
    const { code, stderr } = await eve.stop();

    assert.equal(code, 0, stderr);
    assert.equal(await productsAt(url), null);
    assert.deepEqual(await leftProcesses(), []);
    assert.doesNotMatch(await readFile('/proc/self/mountinfo', 'utf8'), new RegExp(eve.dataDir));
  });

  it('brings the app back with its data after npm stop', async (context) => {
    await start(context);

    assert.equal(await within(60_000, sellsBiscuits), true);
    assert.equal(await projectId(), project);
  });

  it('stops everything that runs, Eve included, and removes the volumes when asked', async () => {
    const { code, stderr } = await eve.stop('--volumes');

    assert.equal(code, 0, stderr);
    assert.equal(await productsAt(url), null);
    assert.deepEqual(await leftProcesses(), []);
  });

  /** What still works for the installation; a moment is given to what is on its way out. */
  async function leftProcesses(): Promise<string[]> {
    await within(5_000, async () => (await eve.processes()).length === 0);
    return (await eve.processes()).map(({ command }) => command.join(' '));
  }
});

/** Whether something is so within a time. */
async function within(ms: number, isSo: () => Promise<boolean>): Promise<boolean> {
  for (const until = Date.now() + ms; Date.now() < until; ) {
    if (await isSo()) return true;
    await sleep(100);
  }
  return false;
}

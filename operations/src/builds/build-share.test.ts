import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { allowedLimits } from '@eve/domain';
import { scriptedBuilder, scriptedRegistry } from '../../testing/index.ts';
import { buildShare } from './build-share.ts';

const never = new AbortController().signal;
const { can } = scriptedBuilder(scriptedRegistry());
const all = { memoryBytes: 2 * 1024 ** 3, cpus: 2 };
const half = { memoryBytes: 1024 ** 3, cpus: 1 };

it('lets services run together as far as the share of the build goes', async () => {
  const share = buildShare({ limits: allowedLimits('pro', [], null), capabilities: { ...can, limits: true } });
  const running: string[] = [];
  const run = async (name: string, amount: typeof all) => {
    using _mine = await share.take(amount, never);
    running.push(name);
    await turn();
    await turn();
    running.push(`-${name}`);
  };

  await Promise.all([run('a', half), run('b', half), run('c', all)]);

  assert.deepEqual(running, ['a', 'b', '-a', '-b', 'c', '-c']);
});

it('limits nothing where the engine holds nobody to limits', async () => {
  const share = buildShare({ limits: allowedLimits('free', [], null), capabilities: { ...can, limits: false } });

  const taken = await Promise.all([share.take(all, never), share.take(all, never)]);

  assert.equal(taken.length, 2);
});

it('ends the wait of whoever was cancelled meanwhile', async () => {
  const share = buildShare({ limits: allowedLimits('pro', [], null), capabilities: { ...can, limits: true } });
  const ended = new AbortController();
  const first = await share.take(all, never);
  const second = share.take(all, ended.signal);

  ended.abort();
  first[Symbol.dispose]();

  await assert.rejects(second, { name: 'AbortError' });
});

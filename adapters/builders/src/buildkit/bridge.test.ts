import assert from 'node:assert/strict';
import { it } from 'node:test';
import { chooseBridge, ruleWords } from './bridge.ts';

it('finds every rule of a bridge and of its addresses, and nobody else’s', () => {
  const listed = [
    '-P POSTROUTING ACCEPT',
    '-A POSTROUTING -s 10.219.204.2/32 -m comment --comment "name: \\"buildkit\\" id: \\"a\\"" -j CNI-ffee6d701601b0d32c6949b7',
    '-A POSTROUTING -s 10.219.20.2/32 -j CNI-3ee6d701601b0d32c6949b7f',
    '-A CNI-ISOLATION-STAGE-1 -i evb-480d7d9a ! -o evb-480d7d9a -j CNI-ISOLATION-STAGE-2',
    '-A CNI-ISOLATION-STAGE-1 -i evb-480d7d9b ! -o evb-480d7d9b -j CNI-ISOLATION-STAGE-2',
    '-A INPUT -i evb-480d7d9a -j ACCEPT',
  ].join('\n');

  const rules = ruleWords(listed, 'evb-480d7d9a', '10.219.204.');

  assert.deepEqual(
    rules.map((words) => words[1]),
    ['POSTROUTING', 'CNI-ISOLATION-STAGE-1'],
  );
  assert.equal(rules[0]?.[6], '--comment');
  assert.equal(rules[0]?.[7], 'name: "buildkit" id: "a"');
});

it('gives the same bridge again, and refuses a pool that is none', async () => {
  assert.deepEqual(await chooseBridge('480d7d9a', '10.220.0.0/16'), { name: 'evb-480d7d9a', subnet: '10.220.13.0/24' });
  await assert.rejects(chooseBridge('480d7d9a', '10.220.0.0/24'), { code: 'request_invalid' });
});

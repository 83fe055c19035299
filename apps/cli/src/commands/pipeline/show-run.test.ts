import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runEve } from '../../../testing/run-eve.ts';
import { deploy, pipelineRun } from '../../../testing/samples.ts';
import { scriptedServer } from '../../../testing/server.ts';

for (const [waitsFor, words] of [
  ['approval', /^ {2}Waits for approval of dep_\w+: eve deploy approve dep_\w+$/m],
  ['promotion', /^ {2}Waits for promotion of dep_\w+: eve deploy promote dep_\w+$/m],
  [null, /^deploy +deploy +running(?!.*Waits)/ms],
] as const) {
  it(`eve pipeline show-run says of a step whose deploy waits for somebody what for: ${waitsFor}`, async () => {
    const [build, last] = pipelineRun.steps;
    const waiting = { ...last, status: 'running', subject_id: deploy.id, waits_for: waitsFor };
    await using server = await scriptedServer({
      'GET /pipeline-runs/:id': { ...pipelineRun, steps: [build, waiting] },
    });

    const { code, stdout } = await runEve(['pipeline', 'show-run', pipelineRun.run.id], server);

    assert.equal(code, 0);
    assert.match(stdout, words);
  });
}

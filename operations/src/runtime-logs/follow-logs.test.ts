import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  deployed,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleManifest,
  type TestPlatform,
} from '../../testing/index.ts';
import { followEnvironmentLogs } from './follow-logs.ts';
import type { LogQuestion, ServiceLine } from './read-logs.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const secretive = sampleManifest.replace('GREETING: hello', `GREETING: "\${secret.PASSWORD}"`);
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + 1000 * seconds);

/** Builds and deploys a commit. */
async function deployedCommit(manifest: string) {
  const commit = await shop.commit(manifest);
  await shop.built(commit);
  const deploy = await deployed(test, shop, commit);
  assert.equal(deploy.status, 'healthy');
}

/** As deployedCommit; what its instances have printed until then is forgotten. */
async function newDeploy(manifest = sampleManifest) {
  await deployedCommit(manifest);
  for (const { printed } of test.deployer.instances) printed.length = 0;
}

function nameOf(service: string): string {
  const [name] = test.deployer.named(service);
  assert.ok(name);
  return name;
}

function question(more: Partial<LogQuestion> = {}): LogQuestion {
  return { projectId: shop.project.id, envName: 'test', ...more };
}

const textsOf = (lines: readonly ServiceLine[]) => lines.map(({ text }) => text);

describe('following the logs of an environment', () => {
  /** Follows until the condition holds of the texts that came, or for ten seconds. */
  async function followed(
    more: Partial<LogQuestion>,
    act: () => Promise<void> | void,
    enough: (texts: string[]) => boolean,
  ) {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)]);
    const texts: string[] = [];
    const changes: string[] = [];
    const news = await followEnvironmentLogs(test.platform, shop.caller, question(more), signal);
    const acted = act();
    for await (const each of news) {
      if (each.type === 'lines') texts.push(...textsOf(each.lines));
      else changes.push(`${each.instance} ${each.state}`);
      if (enough(texts)) stop.abort();
    }
    await acted;
    return { texts, changes };
  }

  it('begins with the last lines and goes on, without one twice or missing, also in one millisecond', async () => {
    await newDeploy();
    const name = nameOf('web');
    for (const text of ['a', 'b', 'c']) test.deployer.print(name, text, at(1));

    const { texts } = await followed(
      { tail: 2 },
      () => {
        test.deployer.print(name, 'd', at(1));
        test.deployer.print(name, 'e', at(1));
        setTimeout(() => test.deployer.print(name, 'f', at(2)), 300);
      },
      (seen) => seen.includes('f'),
    );

    assert.deepEqual(texts, ['b', 'c', 'd', 'e', 'f']);
  });

  it('picks up the instances of the next deploy by itself, and hides its secrets', async () => {
    await shop.secret('PASSWORD', 'correct-horse');
    await newDeploy();

    const { texts, changes } = await followed(
      { service: 'web' },
      async () => {
        await deployedCommit(secretive);
        test.deployer.print(nameOf('web'), 'correct-horse of revision 2');
      },
      (seen) => seen.some((text) => text.includes('revision 2')),
    );

    assert.ok(texts.includes('*** of revision 2'), texts.join());
    assert.ok(changes.includes('web-1-1 followed') && changes.includes('web-2-1 followed'), changes.join());
  });

  it('shows only lines with the text that is looked for', async () => {
    await newDeploy();
    const name = nameOf('web');

    const { texts } = await followed(
      { grep: 'error' },
      () => {
        test.deployer.print(name, 'all is well', new Date());
        test.deployer.print(name, 'an error', new Date());
      },
      (seen) => seen.length > 0,
    );

    assert.deepEqual(texts, ['an error']);
  });

  it('is refused for what is gone, and ends when the environment is deleted', async () => {
    await newDeploy();
    await assert.rejects(
      followed(
        { previous: true },
        () => {},
        () => true,
      ),
      { code: 'request_invalid' },
    );

    const { texts } = await followed(
      {},
      async () => {
        const { tenantId, id } = await environmentNow(test, shop);
        test.deployer.instances.length = 0;
        await test.platform.store.environments.delete(tenantId, id);
      },
      () => false,
    );

    assert.deepEqual(texts, []);
  });
});

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
import { unpackedLines } from './archived-lines.ts';
import { instanceLogsPrefix } from './keep-log.ts';
import { environmentLogs, type LogQuestion, type ServiceLine } from './read-logs.ts';
import { removeInstances } from './remove-instances.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const never = new AbortController().signal;
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

async function logs(more?: Partial<LogQuestion>) {
  return (await environmentLogs(test.platform, shop.caller, question(more), never)).lines;
}

const textsOf = (lines: readonly ServiceLine[]) => lines.map(({ text }) => text);

/** Removes what runs, as a deploy does with what it replaced. */
async function removed(service?: string) {
  const environment = await environmentNow(test, shop);
  const instances = (await test.deployer.observe(environment.id)).filter(
    (each) => service === undefined || each.service === service,
  );
  await removeInstances(test.platform, environment, instances, never);
  return environment;
}

describe('the logs of an environment', () => {
  it('are the lines of all its instances by time, each with what printed it', async () => {
    await newDeploy();
    test.deployer.print(nameOf('web'), 'first', at(1));
    test.deployer.print(nameOf('jobs'), 'second', at(2));
    test.deployer.print(nameOf('web'), 'third', at(3));

    assert.deepEqual(
      (await logs()).map(({ service, instance, revision, stream, text }) => [
        service,
        instance,
        revision,
        stream,
        text,
      ]),
      [
        ['web', 'web-1-1', 1, 'stdout', 'first'],
        ['jobs', 'jobs-1-1', 1, 'stdout', 'second'],
        ['web', 'web-1-1', 1, 'stdout', 'third'],
      ],
    );
    assert.deepEqual(textsOf(await logs({ service: 'jobs' })), ['second']);
    assert.deepEqual(textsOf(await logs({ instance: 'web-1-1' })), ['first', 'third']);
    assert.deepEqual(textsOf(await logs({ instance: nameOf('jobs') })), ['second']);
  });

  it('are the last lines of all, or those since a time, or those with a text', async () => {
    await newDeploy();
    for (const second of [1, 2, 3, 4]) {
      test.deployer.print(nameOf('web'), `web.${second} (a+)+$`, at(second));
      test.deployer.print(nameOf('jobs'), `jobs ${second}`, at(second + 0.5));
    }

    const { lines, isCut } = await environmentLogs(test.platform, shop.caller, question({ tail: 3 }), never);
    assert.deepEqual([textsOf(lines), isCut], [['jobs 3', 'web.4 (a+)+$', 'jobs 4'], true]);
    assert.deepEqual(textsOf(await logs({ since: at(4) })), ['web.4 (a+)+$', 'jobs 4']);
    assert.deepEqual(textsOf(await logs({ grep: '(a+)+$', tail: 2 })), ['web.3 (a+)+$', 'web.4 (a+)+$']);
    assert.deepEqual(await logs({ grep: 'web.*1' }), []);
  });

  it('hide secrets, and do not tell by a search whether a guess is right', async () => {
    await shop.secret('PASSWORD', 'correct-horse');
    await newDeploy(secretive);
    test.deployer.print(nameOf('web'), 'it is correct-horse', at(1));
    test.deployer.print(nameOf('jobs'), 'jobs heard correct-horse', at(2));

    assert.deepEqual(textsOf(await logs()), ['it is ***', 'jobs heard ***']);
    assert.deepEqual(await logs({ grep: 'correct-horse' }), []);
    assert.equal((await logs({ grep: '***' })).length, 2);
  });

  it('hold what instances printed that are gone, with secrets hidden as they were then', async () => {
    await shop.secret('PASSWORD', 'correct-horse');
    await newDeploy(secretive);
    test.deployer.print(nameOf('web'), 'old: correct-horse', at(1));
    const environment = await removed('web');
    await shop.secret('PASSWORD', 'battery-staple');
    await newDeploy(secretive.replace('"8000"', '"8001"'));
    test.deployer.print(nameOf('web'), 'new: battery-staple', at(2));

    assert.deepEqual(
      (await logs({ service: 'web' })).map(({ revision, instance, text }) => `${revision} ${instance} ${text}`),
      ['1 web-1-1 old: ***', '2 web-2-1 new: ***'],
    );
    const [kept] = await test.platform.store.instanceLogs.list(environment.tenantId, environment.id, {});
    assert.equal(kept?.lines, 1);
    assert.ok(kept?.key.startsWith(`${instanceLogsPrefix(environment)}/`));
    const bytes = await test.platform.blobs.get(kept.key);
    assert.ok(bytes);
    for await (const { text } of unpackedLines(bytes)) assert.equal(text, 'old: ***');
  });

  it('may be those of one revision, or of what is gone alone', async () => {
    await newDeploy();
    test.deployer.print(nameOf('web'), 'one', at(1));
    await removed('web');
    await newDeploy(sampleManifest.replace('hello', 'bye'));
    test.deployer.print(nameOf('web'), 'two', at(2));

    assert.deepEqual(textsOf(await logs({ revision: 1 })), ['one']);
    assert.deepEqual(textsOf(await logs({ revision: 2 })), ['two']);
    assert.deepEqual(textsOf(await logs({ previous: true })), ['one']);
    assert.deepEqual(textsOf(await logs({ tail: 1 })), ['two']);
    assert.deepEqual(textsOf(await logs({ since: at(2) })), ['two']);
  });

  it('hold also what one printed whose place another one of the same name has taken', async () => {
    await newDeploy();
    const first = test.deployer.instances.find(({ service }) => service === 'web');
    assert.ok(first);
    test.deployer.print(first.name, 'the first', at(1));
    const kept = { ...first, printed: [...first.printed] };
    await removed('web');
    // As a crash between keeping and removing leaves it, and then as a second attempt of its deploy starts it again.
    test.deployer.instances.push(kept);
    const still = textsOf(await logs({ service: 'web' }));
    test.deployer.instances.splice(-1, 1, { ...kept, startedAt: new Date(), printed: [] });
    test.deployer.print(first.name, 'the second', at(3));

    assert.deepEqual(still, ['the first']);
    assert.deepEqual(textsOf(await logs({ service: 'web' })), ['the first', 'the second']);
  });

  it('refuse a service, revision or instance that never was, and name those that there are', async () => {
    await newDeploy();
    test.deployer.print(nameOf('web'), 'one', at(1));
    await removed('web');

    await assert.rejects(logs({ service: 'wbe' }), {
      code: 'service_not_found',
      message: /no service "wbe"; it has: web, jobs\./,
    });
    await assert.rejects(logs({ revision: 7 }), { code: 'revision_not_found', message: /test#7 .*lines of: 1\./ });
    await assert.rejects(logs({ instance: 'web-9' }), {
      code: 'request_invalid',
      message: /"web-9" .*lines of: jobs-1-1, web-1-1\./,
    });
    assert.deepEqual(textsOf(await logs({ service: 'web' })), ['one']);
  });
});

describe('removing instances', () => {
  it('keeps their lines once, however often it is begun', async () => {
    await newDeploy();
    test.deployer.print(nameOf('web'), 'one', at(1));
    const environment = await environmentNow(test, shop);
    const instances = await test.deployer.observe(environment.id);
    const { remove } = test.deployer;
    test.deployer.remove = () => Promise.reject(new Error('the engine is away'));
    await assert.rejects(removeInstances(test.platform, environment, instances, never), /away/);
    assert.deepEqual(textsOf(await logs({ service: 'web' })), ['one']);
    test.deployer.remove = remove;

    await removeInstances(test.platform, environment, instances, never);

    assert.equal(test.deployer.instances.length, 0);
    assert.deepEqual(textsOf(await logs()), ['one']);
  });

  it('goes on when a log cannot be kept, and says so', async () => {
    await newDeploy();
    test.deployer.print(nameOf('web'), 'one', at(1));
    const platform = {
      ...test.platform,
      blobs: { ...test.platform.blobs, put: () => Promise.reject(new Error('full')) },
    };
    const environment = await environmentNow(test, shop);

    await removeInstances(platform, environment, await test.deployer.observe(environment.id), never);

    assert.equal(test.deployer.instances.length, 0);
    assert.ok(test.said.some(({ sentence }) => sentence === 'the log of an instance could not be kept'));
  });

  it('keeps the newest lines of a very long log, and says how many are missing', async () => {
    await newDeploy();
    const name = nameOf('web');
    for (let line = 0; line < 2000; line++) test.deployer.print(name, `${line} ${'x'.repeat(10_000)}`, at(line));
    await removed('web');

    const [first, second] = await logs({ service: 'web', tail: 10_000 });
    const last = (await logs({ service: 'web', tail: 1 })).at(-1);

    assert.match(first?.text ?? '', /^… 3\d\d older lines of this instance were not kept\.$/);
    assert.equal(Number.parseInt(second?.text ?? '', 10), Number(/\d+/.exec(first?.text ?? '')?.[0]));
    assert.match(last?.text ?? '', /^1999 x/);
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { testCluster } from '@eve/adapter-process/testing';
import { eveClient } from '@eve/protocol-rest/client';
import { exampleRepository } from '../../apps/local/src/example.ts';
import { root } from '../../scripts/source-files.ts';
import { run } from '../journeys/installation.ts';
import { productsAt } from '../journeys/shop.ts';
import { pushEveImages } from './eve-images.ts';
import { chart, type EveGround, eveGround, helm, helmProgram } from './eve-installation.ts';
import { kubernetesGround } from './ground.ts';
import { kubectl } from './kubectl.ts';
import { nodeVolume } from './node-volume.ts';

const cluster = await testCluster();
const s3Program = process.env.EVE_TEST_S3 ?? null;
const skip =
  'missing' in cluster
    ? cluster.missing
    : helmProgram() === null || s3Program === null
      ? 'EVE_TEST_HELM names no Helm, or EVE_TEST_S3 no S3 server'
      : false;

describe('Eve on Kubernetes', { skip, timeout: 600_000 }, () => {
  let ground: EveGround;
  let url: string;

  before(async () => {
    if ('missing' in cluster || s3Program === null) return;
    ground = await eveGround(cluster, await pushEveImages(cluster, s3Program));
    await kubectl(['apply', '-f', '-'], await ground.rendered());
    await untilRolledOut('api', 'worker', 'registry').catch(async (error: unknown) => {
      throw new Error(await evidence(), { cause: error });
    });
    ({ url } = ground);
  });
  after(() => ground?.[Symbol.asyncDispose]());

  const inNamespace = (...args: string[]) => kubectl(['--namespace', ground.namespace, ...args]);

  async function untilRolledOut(...parts: string[]): Promise<void> {
    for (const part of parts) await inNamespace('rollout', 'status', `deployment/eve-${part}`, '--timeout=180s');
  }

  async function newToken(): Promise<string> {
    const command = ['node', 'apps/server/src/main.ts', 'token', 'main'];
    const printed = await inNamespace('exec', 'deployment/eve-api', '--container=api', '--', ...command);
    return printed.trim().split('\n').at(-1) ?? '';
  }

  /** What a person would look at when it does not come up. */
  async function evidence(): Promise<string> {
    const asked = [
      ['get', 'pods', '-o', 'wide'],
      ['get', 'events', '--sort-by=.lastTimestamp'],
      ['logs', '--selector=app.kubernetes.io/name=eve', '--tail=30', '--prefix'],
    ];
    const answers = asked.map((args) => inNamespace(...args).catch((error: unknown) => String(error)));
    return (await Promise.all(answers)).join('\n').slice(-12_000);
  }

  it('answers through its Service, with two API pods and three workers', async () => {
    const health = await eveClient({ url, token: 'none' }).health();
    const pods = await inNamespace(
      'get',
      'pods',
      '-o',
      'jsonpath={range .items[*]}{.metadata.labels.app\\.kubernetes\\.io/component}{"\\n"}{end}',
    );

    assert.deepEqual([health.status, health.database], ['ok', 'ok']);
    const parts = pods.split('\n').filter((part) => part === 'api' || part === 'worker');
    assert.deepEqual(parts.sort(), ['api', 'api', 'worker', 'worker', 'worker']);
  });

  it('gives a first token, which opens the API', async () => {
    const token = await newToken();

    const { data } = await eveClient({ url, token }).listProjects();

    assert.match(token, /^eve_/);
    assert.deepEqual(data, []);
  });

  it('builds, releases, deploys and serves the example', async () => {
    await using _volume = await nodeVolume();
    const directory = await mkdtemp(join(tmpdir(), 'eve-shop-'));
    await using _removed = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
    const { change } = await exampleRepository(join(directory, 'shop'));
    // There is no Docker Hub in a test.
    const hub = `${'missing' in cluster ? '' : cluster.registry}/library`;
    await change(
      '.eve/manifest.yaml',
      'image: postgres:15',
      `image: ${hub}/postgres:15`,
      'Take the database from here',
    );
    const token = await newToken();
    const cli = async (...args: string[]) => {
      const { code, stdout, stderr } = await run(process.execPath, [join(root, 'apps/cli/bin/eve.js'), ...args], {
        cwd: join(directory, 'shop'),
        variables: { PATH: process.env.PATH, HOME: directory, EVE_API_URL: url, EVE_TOKEN: token },
      });
      if (code !== 0) throw new Error(`eve ${args.join(' ')}\n${stdout}\n${stderr}\n${await evidence()}`);
      return stdout;
    };
    await cli('project', 'create', '--name', 'shop');
    await cli('secrets', 'set', 'DB_PASSWORD', randomBytes(12).toString('hex'));

    await cli('env', 'deploy', 'test', '--ref', 'main', '--repo-dir', '.');

    const client = eveClient({ url, token });
    const shop = await kubernetesGround.urlOf(client, 'shop', 'test', 'web');
    assert.match((await productsAt(shop)) ?? '', /price/);
    await cli('env', 'delete', 'test', '--volumes');
  });

  it('may do in the cluster what the list says, and nothing else', async () => {
    const listed = (await readFile(join(chart, 'rights.txt'), 'utf8')).split('\n').filter((line) => /^\w/.test(line));
    const inBuilds = (who: string) =>
      listed
        .map((line) => line.split(/\s+/))
        .filter(([name]) => name === who)
        .flatMap(([, , resource = '', ...verbs]) => verbs.map((verb) => `${verb} ${resource}`));
    const everywhere = (who: string) =>
      listed
        .map((line) => line.split(/\s+/))
        .filter(([name, where]) => name === who && where === 'everywhere')
        .flatMap(([, , resource = '', ...verbs]) => verbs.map((verb) => `${verb} ${resource}`));

    for (const who of ['api', 'worker']) {
      assert.deepEqual(await rightsOf(who, ground.builds), inBuilds(who).sort(), `${who} in the builds’ namespace`);
      assert.deepEqual(await rightsOf(who, 'default'), everywhere(who).sort(), `${who} elsewhere`);
    }
  });

  /** What an account may do beyond every account's rights, as `verb resource` lines. */
  async function rightsOf(who: string, namespace: string): Promise<string[]> {
    const of = async (account: string) => {
      const as = `--as=system:serviceaccount:${ground.namespace}:${account}`;
      const printed = await kubectl(['auth', 'can-i', '--list', '--no-headers', '--namespace', namespace, as]);
      return printed.split('\n').flatMap((line) => {
        const [, resource = '', verbs = ''] = /^(\S*)\s+\[.*?\]\s+\[.*?\]\s+\[(.*)\]$/.exec(line.trim()) ?? [];
        return resource === '' ? [] : verbs.split(' ').map((verb) => `${verb} ${resource}`);
      });
    };
    const everybody = new Set(await of('default'));
    return [...new Set(await of(`eve-${who}`))].filter((right) => !everybody.has(right)).sort();
  }

  it('loses no request while all of its pods are replaced', async () => {
    const stopping = new AbortController();
    const counts = { answered: 0, failures: [] as string[] };
    const asking = Array.from({ length: 4 }, async () => {
      while (!stopping.signal.aborted) {
        await fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) })
          .then(async (answer) => {
            await answer.arrayBuffer();
            if (answer.status === 200) counts.answered++;
            else counts.failures.push(`status ${answer.status}`);
          })
          .catch((error: unknown) => counts.failures.push(String((error as Error).cause ?? error)));
        await sleep(5);
      }
    });
    const before = await podNames();

    await inNamespace('rollout', 'restart', 'deployment/eve-api', 'deployment/eve-worker');
    await untilRolledOut('api', 'worker');
    await untilGone(before);
    stopping.abort();
    await Promise.all(asking);

    assert.deepEqual(counts.failures, []);
    assert.ok(counts.answered > 100, `${counts.answered} requests were answered`);
  });

  async function podNames(): Promise<string[]> {
    const printed = await inNamespace('get', 'pods', '--selector=app.kubernetes.io/name=eve', '-o', 'name');
    return printed.split('\n').filter((name) => /-(api|worker)-/.test(name));
  }

  async function untilGone(names: readonly string[]): Promise<void> {
    for (const end = performance.now() + 90_000; ; await sleep(500)) {
      const there = new Set(await podNames());
      const left = names.filter((name) => there.has(name));
      if (left.length === 0) return;
      assert.ok(performance.now() < end, `${left.join(', ')} did not end`);
    }
  }

  it('can be taken over by Helm, which migrates before it changes anything', async () => {
    const release = ['upgrade', '--install', 'eve', chart, '--namespace', ground.namespace, '--take-ownership'];

    const printed = await helm(...release, ...ground.values, '--wait', '--timeout', '3m', '--force-conflicts');

    assert.match(printed, /STATUS: deployed/);
    assert.equal((await fetch(`${url}/health`)).status, 200);
  });
});

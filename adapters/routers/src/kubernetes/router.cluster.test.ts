import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, type Ingress, kinds, label, type Slot, type Wanted } from '@eve/adapter-kubernetes';
import { ownNamespace, podOnce, runningPod, type TestCluster, testCluster } from '@eve/adapter-kubernetes/testing';
import type { EnvironmentId } from '@eve/domain';
import type { Backend } from '@eve/operations';
import { kubernetesRouter } from './router.ts';
import { backend, route, tableOf } from './sample-table.fixture.ts';

const never = new AbortController().signal;
const answering = `require('http').createServer((q, r) => r.end(process.env.SLOT)).listen(3000);
process.on('SIGTERM', () => process.exit(0));`;
/** Asks again and again on new connections until its time is over or a file says so, and tells at last who answered how often. */
const asking = `const [url, ms] = process.argv.slice(1), told = {}, times = []; const end = Date.now() + Number(ms);
const one = async () => { while (Date.now() < end && !require('fs').existsSync('/tmp/enough')) {
  const begun = performance.now(); const said = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) }).then((r) => r.text(), (e) => 'failed ' + (e.cause?.code ?? e.name));
  times.push(Math.round(performance.now() - begun)); told[said] = (told[said] ?? 0) + 1; await new Promise((r) => setTimeout(r, 5)); } };
Promise.all([one(), one(), one(), one()]).then(() => { times.sort((a, b) => a - b); console.error('median ' + times[times.length >> 1] + ' ms, slowest ' + times.at(-1) + ' ms'); console.log(JSON.stringify(told)); });`;

describe('the router of a cluster', { timeout: 110_000 }, () => {
  let opened: TestCluster | { readonly missing: string } = { missing: 'it was not opened' };
  const classes: string[] = [];
  before(async () => {
    opened = await testCluster();
  });
  after(async () => {
    if ('missing' in opened) return;
    for (const name of classes) await opened.cluster.remove(kinds.IngressClass, { name });
  });

  interface Scene {
    readonly cluster: Cluster;
    readonly nodeImage: string;
    readonly place: string;
    readonly installation: string;
    router(controller?: string): ReturnType<typeof kubernetesRouter>;
  }

  const inPlace = (sentence: string, act: (scene: Scene) => Promise<void>) =>
    it(sentence, async (test) => {
      if ('missing' in opened) return test.skip(opened.missing);
      const { cluster, nodeImage } = opened;
      await using namespace = await ownNamespace(cluster);
      const installation = `test-router-${randomBytes(4).toString('hex')}`;
      const scene: Scene = {
        ...{ cluster, nodeImage, installation, place: namespace.name },
        async router(controller) {
          const options = { cluster, installation, namespace: namespace.name };
          if (!controller) return kubernetesRouter(options);
          const ingressClass = `evetest-${randomBytes(4).toString('hex')}`;
          classes.push(ingressClass);
          const made = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass' } as const;
          await cluster.create(kinds.IngressClass, { ...made, metadata: { name: ingressClass }, spec: { controller } });
          return kubernetesRouter({ ...options, ingressClass });
        },
      };
      await act(scene);
    });

  inPlace('moves requests between slots without a failed one', async ({ cluster, nodeImage, place, router }) => {
    const routing = await router();
    const instances = { blue: await running('blue'), green: await running('green') };
    const client = await runningPod(
      cluster,
      { namespace: place, name: 'client' },
      {
        image: nodeImage,
        command: ['node', '-e', 'setInterval(() => {}, 1000)'],
      },
    );
    let version = 0;
    const serve = (...slots: readonly Slot[]) => {
      const backends = slots.flatMap((slot) => instances[slot]);
      return routing.apply(tableOf(++version, route(place, 'web', { backends, labels: [] })), never);
    };
    await serve('blue');
    const outer = await cluster.get(kinds.Service, 'web-public', place);
    const url = `http://${outer?.spec.clusterIP}:3000/`;
    // A machine that has never heard of a Service needs up to a second for it.
    await sleep(1_500);
    assert.equal(Object.keys(await told(client.metadata.name, url, 500)).join(), 'blue');

    const under = told(client.metadata.name, url, 60_000);
    const turns = [['green'], ['green', 'blue'], ['blue'], ['blue', 'green']] as const;
    const took: number[] = [];
    for (let turn = 0; turn < 20; turn++) {
      const begun = performance.now();
      await serve(...(turns[turn % turns.length] ?? []));
      took.push(performance.now() - begun);
      await sleep(350);
    }
    const enough = ['node', '-e', 'require("fs").writeFileSync("/tmp/enough", "")'];
    await cluster.exec({ namespace: place, pod: 'client', container: 'client' }, enough, {}, never);
    const answers = await under;
    const forget = ['node', '-e', 'require("fs").rmSync("/tmp/enough")'];
    await cluster.exec({ namespace: place, pod: 'client', container: 'client' }, forget, {}, never);
    await serve('green');
    await sleep(500);
    const last = await told(client.metadata.name, url, 500);

    const failed = Object.entries(answers).filter(([who]) => who !== 'blue' && who !== 'green');
    console.log(`20 switches: ${JSON.stringify(answers)}, each ${Math.round(Math.max(...took))} ms at most`);
    assert.deepEqual(failed, []);
    assert.ok((answers.blue ?? 0) > 100 && (answers.green ?? 0) > 100);
    assert.deepEqual(Object.keys(last), ['green']);

    async function running(slot: Slot): Promise<Backend[]> {
      const name = `web${slot === 'green' ? '-green' : ''}`;
      const labels = { [label.service]: 'web', [label.slot]: slot };
      await cluster.apply(kinds.Deployment, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace: place },
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              terminationGracePeriodSeconds: 1,
              containers: [
                {
                  name: 'app',
                  image: nodeImage,
                  command: ['node', '-e', answering],
                  env: [{ name: 'SLOT', value: slot }],
                  readinessProbe: { tcpSocket: { port: 3000 }, periodSeconds: 1 },
                },
              ],
            },
          },
        },
      });
      const selection = { namespace: place, labels: `${label.slot}=${slot}` };
      for (let tries = 0; (await cluster.list(kinds.Pod, selection)).length < 2; tries++) {
        assert.ok(tries < 100, 'no pods are made');
        await sleep(100);
      }
      const pods = await cluster.list(kinds.Pod, selection);
      return Promise.all(
        pods.map(async ({ metadata }) => {
          const isReady = ({ type, status }: { type: string; status: string }) => type === 'Ready' && status === 'True';
          const pod = { namespace: place, name: metadata.name };
          await podOnce(cluster, pod, ({ status }) => status?.conditions?.some(isReady) ?? false);
          return { ...backend('web', slot), name: metadata.name };
        }),
      );
    }

    async function told(pod: string, url: string, ms: number): Promise<Readonly<Record<string, number>>> {
      const chunks: Buffer[] = [];
      const command = ['node', '-e', asking, url, String(ms)];
      const onOutput = (chunk: Buffer, stream: 'stdout' | 'stderr') =>
        stream === 'stdout' ? void chunks.push(chunk) : console.log(chunk.toString('utf8').trim());
      const code = await cluster.exec({ namespace: place, pod, container: pod }, command, { onOutput }, never);
      const text = Buffer.concat(chunks).toString('utf8');
      assert.equal(code, 0, text);
      return JSON.parse(text);
    }
  });

  inPlace(
    'writes nothing while all is as it should be, and mends what somebody changed',
    async ({ cluster, place, router }) => {
      const routing = await router('example.com/controller');
      const wanted = (version: number) => tableOf(version, route(place, 'web', { backends: [backend('web', 'blue')] }));
      await routing.apply(wanted(3));
      const versions = async () =>
        [
          ...(await cluster.list(kinds.ConfigMap, { namespace: place, labels: `${label.managedBy}=eve` })),
          ...(await cluster.list(kinds.Service, { namespace: place })),
          ...(await cluster.list(kinds.Ingress, { namespace: place })),
        ].map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`);
      const first = await versions();

      const begun = performance.now();
      await routing.apply(wanted(3));
      console.log(`nothing to do: ${Math.round(performance.now() - begun)} ms`);
      const second = await versions();
      await routing.apply(wanted(4));
      const third = await versions();
      await cluster.patch(
        kinds.Service,
        { name: 'web-public', namespace: place },
        { spec: { selector: { [label.slot]: 'green' } } },
      );
      await routing.apply(wanted(4));

      assert.equal(first.length, 3);
      assert.deepEqual(second, first);
      assert.deepEqual(third.slice(1), first.slice(1), 'a newer table that wants the same changes only its own mark');
      assert.equal((await cluster.get(kinds.Service, 'web-public', place))?.spec.selector?.[label.slot], 'blue');
      await assert.rejects(routing.apply(wanted(3)), { code: 'lease_lost', message: /3 is older than 4/ });
    },
  );

  inPlace(
    'divides by weight with ingress-nginx, and removes what it does not need any more, of its own only',
    async ({ cluster, place, router }) => {
      const routing = await router('k8s.io/ingress-nginx');
      const foreign = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'other-public', namespace: place },
      } as const;
      await cluster.create(kinds.Service, { ...foreign, spec: { ports: [{ port: 80 }] } });
      const wanted = (version: number, ...backends: Backend[]) => tableOf(version, route(place, 'web', { backends }));
      const names = async () => [
        ...(await cluster.list(kinds.Service, { namespace: place })).map(({ metadata }) => metadata.name),
        ...(await cluster.list(kinds.Ingress, { namespace: place })).map(({ metadata }) => metadata.name),
      ];

      await routing.apply(wanted(1, backend('web', 'blue')));
      await routing.apply(wanted(2, backend('web', 'blue', 90), backend('web', 'green', 10)));
      const divided = await names();
      const canary = await cluster.get(kinds.Ingress, 'web-3000-canary', place);
      await routing.apply(wanted(3, backend('web', 'green')));
      const promoted = await names();
      await routing.apply(tableOf(4));

      assert.equal(routing.weights, 'exact');
      assert.equal(routing.outside, 'http');
      assert.deepEqual(divided, [
        'other-public',
        'web-public',
        'web-public-blue',
        'web-public-green',
        'web-3000',
        'web-3000-canary',
      ]);
      assert.equal(canary?.metadata.annotations?.['nginx.ingress.kubernetes.io/canary-weight'], '10');
      assert.deepEqual(promoted, ['other-public', 'web-public', 'web-3000']);
      assert.deepEqual(await names(), ['other-public']);
    },
  );

  inPlace('leaves a host to who has it, and tells only whom it concerns', async ({ cluster, place, router }) => {
    const routing = await router('example.com/controller');
    const host = `${place}.example.com`;
    const theirs = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'theirs', namespace: place },
    } as const;
    const backends = { service: { name: 'theirs', port: { number: 80 } } };
    const paths = [{ path: '/', pathType: 'Prefix' as const, backend: backends }];
    const ingress: Wanted<Ingress> = { ...theirs, spec: { rules: [{ host, http: { paths } }] } };
    await cluster.create(kinds.Ingress, ingress);
    const other: EnvironmentId = 'env_01k0000000000000000000000b';
    const table = (version: number, concerning?: EnvironmentId) => ({
      ...tableOf(
        version,
        route(place, 'web', { host, backends: [backend('web', 'blue')] }),
        route(place, 'api', { environmentId: other, backends: [backend('api', 'blue')] }),
      ),
      ...(concerning && { concerning }),
    });
    const hosts = async (name: string) =>
      (await cluster.get(kinds.Ingress, name, place))?.spec.rules?.map((rule) => rule.host?.split('.')[0]);

    await assert.rejects(routing.apply(table(1)), { code: 'host_taken', message: /Ingress theirs in namespace/ });
    const left = [await hosts('web-3000'), await hosts('api-3000')];
    await routing.apply(table(2, other));
    await assert.rejects(routing.apply(table(3, 'env_01k00000000000000000000000')), { code: 'host_taken' });
    await cluster.remove(kinds.Ingress, { name: 'theirs', namespace: place });
    await routing.apply(table(3));
    const given = await hosts('web-3000');
    await cluster.create(kinds.Ingress, ingress);
    await routing.apply(table(4));

    assert.deepEqual(left, [['web--test--shop'], ['api--test--shop']]);
    assert.deepEqual(given, ['web--test--shop', place]);
    assert.deepEqual(await hosts('web-3000'), given, 'who has a host keeps it');
  });

  inPlace('does not touch a Service of that name which is not its own', async ({ cluster, place, router }) => {
    const routing = await router();
    const foreign = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web-public', namespace: place } } as const;
    await cluster.create(kinds.Service, { ...foreign, spec: { ports: [{ port: 80 }] } });
    const table = tableOf(
      1,
      route(place, 'web', { backends: [backend('web', 'blue')] }),
      route(place, 'api', { backends: [backend('api', 'blue')] }),
    );

    await assert.rejects(routing.apply(table), { code: 'cluster_refused', message: /web-public .* not the router's/ });

    assert.equal((await cluster.get(kinds.Service, 'web-public', place))?.spec.ports?.[0]?.port, 80);
    assert.ok(await cluster.get(kinds.Service, 'api-public', place), 'others are brought all the same');
  });
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestCluster, testCluster } from '@eve/adapter-process/testing';
import { type OwnNamespace, ownNamespace } from './namespaces.ts';

/** A test in a namespace of its own, skipped with the reason where there is no cluster. */
function inCluster(sentence: string, act: (cluster: TestCluster, place: OwnNamespace) => Promise<void>): void {
  it(sentence, { timeout: 120_000 }, async (test) => {
    const cluster = await testCluster();
    if ('missing' in cluster) return test.skip(cluster.missing);
    await using place = await ownNamespace(cluster.kubeconfig);
    return await act(cluster, place);
  });
}

const answering = "require('node:http').createServer((_, answer) => answer.end('hello')).listen(8080)";

inCluster('a pod runs an image of the registry, and its log is read', async (cluster, place) => {
  const command = ['node', '-e', "console.log('it runs as ' + process.getuid())"];

  await place.run('hello', { image: cluster.nodeImage, command });
  await place.pod('hello', 'Succeeded');

  assert.equal(await place.log('hello'), 'it runs as 0\n');
});

inCluster('a service answers this machine by its address and pods by its name', async (cluster, place) => {
  await place.run('web', { image: cluster.nodeImage, command: ['node', '-e', answering] });
  const spec = { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] };
  const service = await place.core.createNamespacedService({
    namespace: place.name,
    body: { metadata: { name: 'web' }, spec },
  });
  await place.pod('web', 'Running');

  assert.equal(await textAt(`http://${service.spec?.clusterIP}/`), 'hello');
  const ask = `fetch('http://web/').then((answer) => answer.text()).then((text) => console.log(text))`;
  await place.run('asking', { image: cluster.nodeImage, command: ['node', '-e', ask] });
  await place.pod('asking', 'Succeeded');
  assert.equal(await place.log('asking'), 'hello\n');
});

inCluster('a pod resolves the names of the machine and of the cluster', async (cluster, place) => {
  const ask = `require('node:dns').promises.lookup('kubernetes.default.svc.cluster.local').then(({ address }) => console.log(address))`;
  const api = await place.core.readNamespacedService({ name: 'kubernetes', namespace: 'default' });

  await place.run('asking', { image: cluster.nodeImage, command: ['node', '-e', ask] });
  await place.pod('asking', 'Succeeded');

  assert.equal(await place.log('asking'), `${api.spec?.clusterIP}\n`);
});

/** Builds what BASE says, and pushes it as NAME; DAEMON starts the daemon. */
const build = `
mkdir /work/context /work/home
printf 'FROM %s\\nRUN echo built > /what\\n' "$BASE" > /work/context/Dockerfile
printf '[registry."%s"]\\nhttp = true\\n' "$REGISTRY" > /work/buildkitd.toml
export BUILDKIT_HOST=unix:///work/buildkitd.sock
$DAEMON --config /work/buildkitd.toml --root /work/state --addr "$BUILDKIT_HOST" > /work/log 2>&1 &
for _ in $(seq 100); do buildctl debug workers > /dev/null 2>&1 && break; sleep 0.1; done
buildctl build --progress plain --frontend dockerfile.v0 --local context=/work/context --local dockerfile=/work/context \\
  --output "type=image,name=$NAME,push=true" || { cat /work/log; exit 1; }
`;

for (const [who, daemon, pod, container] of [
  [
    'user 1000 without any right of its own',
    'rootlesskit buildkitd --oci-worker-no-process-sandbox',
    { securityContext: { seccompProfile: { type: 'Unconfined' } } },
    { securityContext: { runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true } },
  ],
  ['a privileged root', 'buildkitd', {}, { securityContext: { privileged: true } }],
] as const)
  inCluster(`BuildKit builds in a pod as ${who} what another pod then runs`, async (cluster, place) => {
    const { registry, baseImage, buildkitImage } = cluster;
    const image = `${registry}/${place.name}/built:1`;
    const variables = { BASE: baseImage, REGISTRY: registry, NAME: image, DAEMON: daemon };
    const env = Object.entries(variables).map(([name, value]) => ({ name, value }));
    const volumeMounts = [{ name: 'work', mountPath: '/work' }];

    await place.run(
      'build',
      { ...container, image: buildkitImage, command: ['sh', '-euc', build], env, volumeMounts },
      { ...pod, volumes: [{ name: 'work', emptyDir: {} }] },
    );
    await place.pod('build', 'Succeeded');
    await place.run('built', { image, command: ['cat', '/what'] });
    await place.pod('built', 'Succeeded');

    assert.equal(await place.log('built'), 'built\n');
  });

/** What an address answers as soon as somebody listens there. */
async function textAt(url: string): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text();
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(100);
    }
  }
}

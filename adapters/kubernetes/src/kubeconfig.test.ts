import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { kubeconfigOf } from '../testing/api-between.ts';
import { clusterCredentials } from './credentials.ts';
import { chooseKubeconfig, loadKubeconfig } from './kubeconfig.ts';

describe('which kubeconfig is taken', () => {
  const choose = (kubeconfig: string | null, there: readonly string[], otherwise: readonly string[] = []) =>
    chooseKubeconfig({ kubeconfig, otherwise }, async (path) => there.includes(path));
  const token = '/var/run/secrets/kubernetes.io/serviceaccount/token';

  it('is the one that the operator names, also in a pod, also when it is missing', async () => {
    assert.deepEqual(await choose('/a', [token, '/b'], ['/b']), { files: ['/a'] });
    assert.deepEqual(await choose('/a:/b', []), { files: ['/a', '/b'] });
  });

  it('is the service account of our pod', async () => {
    assert.equal(await choose(null, [token, '/b'], ['/b']), 'service_account');
  });

  it('is the first place with a file outside a pod', async () => {
    assert.deepEqual(await choose(null, ['/c', '/d'], ['/b:/c', '/d']), { files: ['/c'] });
    assert.deepEqual(await choose(null, ['/d'], ['/b:/c', '/d']), { files: ['/d'] });
    assert.equal(await choose(null, [], ['/b']), null);
  });
});

describe('a kubeconfig', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'eve-kubeconfig-'));
  });
  after(() => rm(directory, { recursive: true }));
  async function file(name: string, text: string): Promise<string> {
    await writeFile(join(directory, name), text);
    return join(directory, name);
  }

  it('is read with a token that is in a file beside it and is renewed there', async () => {
    await file('token', 'first\n');
    const kubeconfig = await file('with-token', kubeconfigOf({ server: 'https://one/' }, { tokenFile: 'token' }));
    const credentials = await clusterCredentials({ kubeconfig });
    const authorization = async () => (await credentials.options('call')).headers;

    assert.deepEqual(await authorization(), { Authorization: 'Bearer first' });
    await file('token', 'second\n');
    const before = performance.now();
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => credentials.renew(before))), [true, true, true]);
    assert.deepEqual(await authorization(), { Authorization: 'Bearer second' });
    assert.equal(await credentials.renew(before), true);
    assert.equal(await credentials.renew(performance.now()), false);
  });

  it('asks a program for credentials once for requests that come together', async () => {
    const script = `echo asked >> asked; echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"made"}}'`;
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: 'sh',
      args: ['-c', `cd ${directory}; ${script}`],
    };
    const kubeconfig = await file('with-program', kubeconfigOf({ server: 'https://one' }, { exec }));
    const credentials = await clusterCredentials({ kubeconfig });

    const options = await Promise.all([1, 2, 3].map(() => credentials.options('call')));

    assert.deepEqual(
      options.map(({ headers }) => headers),
      Array(3).fill({ Authorization: 'Bearer made' }),
    );
    assert.equal(await readFile(join(directory, 'asked'), 'utf8'), 'asked\n');
  });

  it('says why a program gives no credentials', async () => {
    const apiVersion = 'client.authentication.k8s.io/v1';
    const failing = { apiVersion, command: 'sh', args: ['-c', 'echo log in first >&2; exit 1'] };
    const missing = { apiVersion, command: 'no-such-program' };
    const said: string[] = [];
    for (const exec of [failing, missing]) {
      const kubeconfig = await file('with-failing', kubeconfigOf({ server: 'https://one' }, { exec }));
      const credentials = await clusterCredentials({ kubeconfig });
      await assert.rejects(credentials.options('call'), (error: Error & { code: string }) => {
        said.push(`${error.code}: ${error.message}`);
        return true;
      });
    }

    assert.deepEqual(said, [
      'cluster_unreachable: There are no credentials for the Kubernetes cluster: log in first.',
      'cluster_unreachable: There are no credentials for the Kubernetes cluster: spawn no-such-program ENOENT.',
    ]);
  });

  it('is put together from several, of which the first counts', async () => {
    const one = await file('one', kubeconfigOf({ server: 'https://one' }, {}));
    const two = await file('two', kubeconfigOf({ server: 'https://two' }, {}).replaceAll('"only"', '"other"'));
    const three = await file('three', kubeconfigOf({ server: 'https://three' }, {}));

    const merged = await loadKubeconfig({ kubeconfig: `${one}:${two}:${three}` });
    const other = await loadKubeconfig({ kubeconfig: `${one}:${two}`, context: 'other' });

    assert.equal(merged.getCurrentCluster()?.server, 'https://one');
    assert.equal(other.getCurrentCluster()?.server, 'https://two');
  });

  it('is refused without its contents in the message', async () => {
    const broken = await file('broken', '{"users": [{"name": "a", "user": {"token": "hidden-token"}},, hidden-token');
    const empty = await file('empty', 'apiVersion: v1\nkind: Config\n');

    await assert.rejects(loadKubeconfig({ kubeconfig: broken }), (error: Error) => {
      assert.match(error.message, /^The kubeconfig \S+broken is no kubeconfig\.$/);
      return true;
    });
    await assert.rejects(loadKubeconfig({ kubeconfig: empty }), { code: 'request_invalid', message: /has no context/ });
    await assert.rejects(loadKubeconfig({ kubeconfig: join(directory, 'none') }), {
      code: 'request_invalid',
      message: /none cannot be read/,
    });
    await assert.rejects(loadKubeconfig({ kubeconfig: empty, context: 'a' }), { message: /has no context "a"/ });
    await assert.rejects(loadKubeconfig({ kubeconfig: null, root: directory }), { message: /EVE_KUBECONFIG/ });
  });

  it('is not needed where a pod has a service account', async () => {
    const account = join(directory, 'var/run/secrets/kubernetes.io/serviceaccount');
    await mkdir(account, { recursive: true });
    await writeFile(join(account, 'token'), 'of the pod');
    await writeFile(join(account, 'ca.crt'), 'authority');
    process.env.KUBERNETES_SERVICE_HOST = '10.0.0.1';
    process.env.KUBERNETES_SERVICE_PORT = '443';

    const credentials = await clusterCredentials({ kubeconfig: null, root: directory });

    delete process.env.KUBERNETES_SERVICE_HOST;
    delete process.env.KUBERNETES_SERVICE_PORT;
    assert.equal(credentials.server.href, 'https://10.0.0.1/');
    const { headers, ca } = await credentials.options('call');
    assert.deepEqual(headers, { Authorization: 'Bearer of the pod' });
    assert.equal(String(ca), 'authority');
  });
});

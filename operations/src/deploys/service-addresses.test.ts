import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  builtCommit,
  deployed,
  eachOnSampleProject,
  environmentNow,
  type SampleProject,
  sampleProject,
  type TestPlatform,
} from '../../testing/index.ts';
import type { Settings } from '../platform.ts';
import { deleteEnvironment } from './delete-environment.ts';
import { environmentStatus } from './environment-status.ts';

let test: TestPlatform;
let shop: SampleProject;

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
});

const manifest = (host: string | null, ports = '["8000"]') => `services:
  web:
    build: { context: web }
    ports: ${ports}
    x-eve: { ingress: { ${host ? `host: ${host}` : ''} } }
  jobs:
    build: { context: jobs }
environments: { test: {}, other: {} }
`;
const settings = (change: Partial<Settings>) => Object.assign(test.platform.settings, change);
const deployTo = async (envName: string, host: string | null, by = shop) =>
  deployed(test, by, { ...(await builtCommit(by, manifest(host))), envName });
const hosts = () => test.router.tables.at(-1)?.routes.flatMap(({ host }) => host ?? []) ?? [];

describe('a host that a manifest asks for', () => {
  it('belongs to one service of the installation, and its holder is named to its own organisation only', async () => {
    const first = await deployTo('test', 'shop.example.com');
    const second = await deployTo('other', 'shop.example.com');
    const stranger = await sampleProject(test, 'initech');
    const third = await deployTo('test', 'shop.example.com', stranger);

    assert.deepEqual(
      [first.status, second.failure?.code, third.failure?.code],
      ['healthy', 'host_taken', 'host_taken'],
    );
    assert.match(second.failure?.message ?? '', /environment "test" in project "shop"/);
    assert.match(third.failure?.message ?? '', /a service of another organisation\.$/);
    assert.deepEqual(hosts(), ['shop.example.com']);
  });

  it('goes with the revision that serves: a deploy that fails changes nothing', async () => {
    await deployTo('test', 'shop.example.com');
    test.deployer.script.web = { unhealthy: true };
    await deployTo('test', 'new.example.com');
    const after = hosts();
    test.deployer.script.web = {};
    await deployTo('test', null);

    assert.deepEqual(after, ['shop.example.com']);
    assert.deepEqual(hosts(), []);
    assert.equal((await deployTo('other', 'shop.example.com')).status, 'healthy');
  });

  it('is none of Eve itself, or of those that Eve gives to others', async () => {
    settings({ domain: 'apps.example.com', publicUrl: 'https://eve.example.com' });

    for (const host of ['eve.example.com', 'apps.example.com', 'web--prod--bank.apps.example.com'])
      assert.equal((await deployTo('test', host)).failure?.code, 'host_taken', host);
  });
});

describe('addresses in a cluster', () => {
  const urls = async () => {
    const { services } = await environmentStatus(test.platform, shop.caller, shop.project.id, 'test');
    return services
      .find(({ name }) => name === 'web')
      ?.urls.map((url) => url.replace(/\.eve-[a-z0-9-]+\./, '.<place>.'));
  };

  it('are names inside, and host names where there is a way in', async () => {
    settings({ addresses: 'cluster', domain: 'apps.example.com' });
    await deployTo('test', 'shop.example.com');
    const inside = await urls();
    Object.assign(test.router, { outside: 'https' });

    assert.deepEqual(inside, ['http://web-public.<place>.svc.cluster.local:8000']);
    assert.deepEqual(await urls(), [
      'https://shop.example.com',
      'https://web--test--shop.apps.example.com',
      'http://web-public.<place>.svc.cluster.local:8000',
    ]);
  });

  it('take no port of the machine, and say that a published one has no effect', async () => {
    settings({ addresses: 'cluster' });
    test.router.canListen = async () => false;

    const deploy = await deployed(test, shop, await builtCommit(shop, manifest(null, '["80:8000"]')));

    assert.equal(deploy.status, 'healthy');
    const told = (await test.lines(deploy)).filter((line) => line.includes('published'));
    assert.deepEqual(told, [
      'services.web.ports: The published port has no effect in a cluster: services are reached by their names there.',
    ]);
  });
});

describe('a login that lasts', () => {
  it('opens the images of its project for pulling, until its environment is deleted', async () => {
    settings({ lastingLogins: true });
    const { registryLogins } = test.platform;
    const fiveYears = new Date(Date.now() + 5 * 365 * 86_400_000);
    await deployTo('test', null);
    const { id } = await environmentNow(test, shop);
    const logins = test.deployer.applied.map(
      ({ services }) => services.find(({ service }) => service.name === 'web')?.login,
    );
    await deployTo('test', null);
    const [login] = logins;
    assert.ok(login);
    const opened = () => registryLogins.check(login.username, login.password, fiveYears);

    const before = await opened();
    const again = test.deployer.applied.at(-1)?.services.find(({ service }) => service.name === 'web')?.login;
    const which = { projectId: shop.project.id, envName: 'test', volumes: false };
    await deleteEnvironment(test.platform, shop.caller, which, new AbortController().signal);

    assert.deepEqual(before, { subject: id, prefix: 'acme/shop/', actions: ['pull'] });
    assert.deepEqual(again, login, 'the same for each deploy, so that nothing changes for it');
    assert.equal(await opened(), null);
  });

  it('is none where nothing is started long after its deploy', async () => {
    const { registryLogins } = test.platform;
    const deploy = await deployTo('test', null);
    const login = test.deployer.applied.at(-1)?.services.find(({ service }) => service.name === 'web')?.login;
    assert.ok(login);

    assert.equal(login.username, deploy.id);
    assert.equal(await registryLogins.check(login.username, login.password, new Date()), null);
  });
});

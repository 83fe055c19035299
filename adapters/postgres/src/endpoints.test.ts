import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Environment, Project } from '@eve/domain';
import {
  sampleEnvironment,
  sampleOrganisation,
  sampleProject,
  type TestDatabase,
  testDatabase,
} from '../testing/index.ts';

describe('where services are reached', () => {
  let db: TestDatabase;
  let project: Project;

  before(async () => {
    db = await testDatabase();
    const organisation = sampleOrganisation({ tier: 'dedicated' });
    project = sampleProject(organisation);
    await db.store.organisations.insert(organisation);
    await db.store.projects.insert(project);
  });
  after(() => db[Symbol.asyncDispose]());

  async function newEnvironment(): Promise<{ environment: Environment }> {
    const environment = sampleEnvironment(project);
    await db.store.environments.insert(environment);
    return { environment };
  }

  it('raises the version of the routing table with every call', async () => {
    const versions = await Promise.all([1, 2, 3].map(() => db.store.endpoints.nextRoutingVersion()));

    assert.equal(new Set(versions).size, 3);
    assert.equal(await db.store.endpoints.nextRoutingVersion(), Math.max(...versions) + 1);
  });

  it('gives a port once, never twice, and names who has a wanted one', async () => {
    const { environment } = await newEnvironment();
    const other = await newEnvironment();
    const where = { tenantId: project.tenantId, environmentId: environment.id };
    const place = { ...where, containerPort: 80, protocol: 'http' } as const;
    const { allocate } = db.store.addresses;

    const ports = await Promise.all(
      Array.from({ length: 8 }, (_, index) => allocate({ ...place, service: `s${index}` }, null, 40_000, [40_001])),
    );
    const again = await allocate({ ...place, service: 's0' }, null, 50_000, []);
    const wanted = await allocate({ ...place, service: 'fixed' }, 45_000, 40_000, []);

    assert.deepEqual(
      ports.map(({ port }) => port).sort(),
      [40_000, 40_002, 40_003, 40_004, 40_005, 40_006, 40_007, 40_008],
    );
    const asTcp = await allocate({ ...place, service: 'fixed', protocol: 'tcp' }, null, 40_000, []);
    assert.deepEqual([again.port, wanted.port], [ports[0]?.port, 45_000]);
    assert.deepEqual([asTcp.port, asTcp.protocol], [45_000, 'tcp']);
    const taken = { ...place, environmentId: other.environment.id, service: 'web' };
    await assert.rejects(allocate(taken, 45_000, 40_000, []), { code: 'request_invalid', message: /"fixed"/ });
  });

  it('gives a host to one service, whoever asks at the same time, and to another one once it is given up', async () => {
    const environments = await Promise.all([1, 2, 3].map(newEnvironment));
    const { allocate, setHosts, listOfEnvironment } = db.store.addresses;
    const { tenantId } = project;
    for (const { environment } of environments)
      for (const service of ['web', 'api']) {
        const place = {
          tenantId,
          environmentId: environment.id,
          service,
          containerPort: 80,
          protocol: 'http',
        } as const;
        await allocate(place, null, 50_000, []);
      }
    const claim = (of: number, ...hosts: [service: string, host: string][]) =>
      setHosts(
        tenantId,
        environments[of]?.environment.id ?? 'env_none',
        hosts.map(([service, host]) => ({ service, containerPort: 80, host })),
      );

    const claims = await Promise.allSettled([0, 1, 2].map((of) => claim(of, ['web', 'shop.example.com'])));
    const winner = claims.findIndex(({ status }) => status === 'fulfilled');
    const loser = (winner + 1) % 3;
    // From one service to another of the same environment it moves in one go.
    await claim(winner, ['api', 'shop.example.com'], ['web', 'www.example.com']);
    const mine = await listOfEnvironment(tenantId, environments[winner]?.environment.id ?? 'env_none');
    await assert.rejects(claim(loser, ['web', 'other.example.com'], ['api', 'www.example.com']), {
      code: 'host_taken',
    });
    const theirs = await listOfEnvironment(tenantId, environments[loser]?.environment.id ?? 'env_none');
    await claim(winner);
    await claim(loser, ['web', 'www.example.com']);

    assert.equal(claims.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.deepEqual(
      mine.map(({ service, host }) => [service, host]),
      [
        ['api', 'shop.example.com'],
        ['web', 'www.example.com'],
      ],
    );
    assert.deepEqual(
      theirs.map(({ host }) => host),
      [null, null],
    );
  });
});

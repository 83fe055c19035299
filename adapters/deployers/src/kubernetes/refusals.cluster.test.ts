import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kinds } from '@eve/adapter-kubernetes';
import { kubectl } from '@eve/adapter-kubernetes/testing';
import { DeployFailed } from '@eve/domain';
import type { DeployTarget } from '@eve/operations';
import { rolled } from '../../../../operations/testing/deployer-rolling-contract.ts';
import { applied, contractPlace, failureOf, served } from '../../../../operations/testing/deployer-target.ts';
import { testKubernetesDeployer } from '../../testing/index.ts';

type Opened = Exclude<Awaited<ReturnType<typeof testKubernetesDeployer>>, { missing: string }>;

describe('what a cluster refuses the deployer kubernetes', { timeout: 300_000 }, () => {
  let opened: Opened | { missing: string } = { missing: 'it was not opened' };
  before(async () => {
    opened = await testKubernetesDeployer();
  });
  after(async () => {
    if (!('missing' in opened)) await opened[Symbol.asyncDispose]();
  });

  /** A test in a namespace in which something serves; it does so afterwards too. */
  const besideOld = (
    sentence: string,
    act: (test: Opened, place: ReturnType<typeof contractPlace>, next: DeployTarget) => Promise<void>,
  ) =>
    it(sentence, async (test) => {
      if ('missing' in opened) return test.skip(opened.missing);
      const { deployer, cluster, image } = opened;
      const place = contractPlace(image);
      const web = (VERSION: string) => ({ name: 'web', variables: { VERSION } });
      try {
        const old = place.target(web('old'));
        await applied(deployer, old);
        await served(deployer, old);
        const before = await deployer.observe(place.environmentId);
        await act(opened, place, place.target(web('new')));
        const afterwards = await deployer.observe(place.environmentId);
        const isOld = new Set(before.map(({ name }) => name));
        assert.deepEqual(
          afterwards.filter(({ name }) => isOld.has(name)),
          before,
        );
      } finally {
        await cluster.remove(kinds.Namespace, { name: place.place });
      }
    });

  const planFailure = async ({ deployer }: Opened, target: DeployTarget) => {
    const error = await deployer.plan(target).then(
      () => null,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof DeployFailed, String(error));
    return error.failure;
  };

  besideOld(
    'a quota that is used up is named in the plan, and by the deploy within seconds',
    async (test, place, next) => {
      const quota = {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'few', namespace: place.place },
      } as const;
      await test.cluster.create(kinds.ResourceQuota, { ...quota, spec: { hard: { pods: '1' } } });
      const used = () => test.cluster.get(kinds.ResourceQuota, 'few', place.place);
      while ((await used())?.status?.used?.pods !== '1') await new Promise((resolve) => setTimeout(resolve, 100));

      const planned = await planFailure(test, next);
      const failed = await failureOf(test.deployer, next);

      assert.deepEqual([planned.code, planned.service], ['quota_exceeded', 'web']);
      assert.match(planned.message, /exceeded quota: few/);
      assert.deepEqual([failed.code, failed.service], ['quota_exceeded', 'web']);
    },
  );

  besideOld('a rule of admission is told in its own words', async (test, place, next) => {
    const enforced = 'pod-security.kubernetes.io/enforce=restricted';
    await kubectl(['label', 'namespace', place.place, enforced, '--overwrite']);

    const planned = await planFailure(test, next);
    const failed = await failureOf(test.deployer, next);
    const own = place.target({ name: 'web', variables: { VERSION: 'new' }, more: { user: '1000' } });
    const changes = await test.deployer.plan(own);

    assert.deepEqual([planned.code, failed.code], ['admission_refused', 'admission_refused']);
    assert.match(planned.message, /violates PodSecurity "restricted:latest": .*runAsNonRoot/);
    assert.deepEqual(
      changes.map(({ kind }) => kind),
      ['start'],
    );
  });

  besideOld('a field that somebody else has set is named with who owns it', async (test, place, next) => {
    const change = JSON.stringify({ spec: { revisionHistoryLimit: 3 } });
    const patch = ['patch', 'deployment/web', '--type=merge', '--field-manager=somebody', `--patch=${change}`];
    await kubectl(['-n', place.place, ...patch]);

    const error = await rolled(test.deployer, next).then(
      () => null,
      (reason: unknown) => reason,
    );

    assert.ok(error instanceof DeployFailed);
    assert.deepEqual([error.failure.code, error.failure.service], ['field_conflict', 'web']);
    assert.match(error.failure.message, /"somebody" owns \.spec\.revisionHistoryLimit/);
  });

  it('a namespace that is somebody else’s stays as it is', async (test) => {
    if ('missing' in opened) return test.skip(opened.missing);
    const { cluster, deployer, image } = opened;
    const place = contractPlace(image);
    const name = place.place;
    await cluster.create(kinds.Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    try {
      const failure = await failureOf(deployer, place.target({ name: 'web' }));
      const planned = await planFailure(opened, place.target({ name: 'web' }));

      assert.deepEqual([failure.code, planned.code], ['field_conflict', 'field_conflict']);
      assert.match(failure.hint, /eve\.dev\/environment=env_/);
      const there = await cluster.get(kinds.Namespace, name);
      assert.equal(there?.metadata.labels?.['eve.dev/installation'], undefined);
    } finally {
      await cluster.remove(kinds.Namespace, { name });
    }
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Deployment } from '@eve/adapter-kubernetes';
import { createSuspicion, refusalOf } from './create-suspicion.ts';

function deployment(message: string | null, observedGeneration = 2): Deployment {
  const refused = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: message ?? '' } as const;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', generation: 2 },
    spec: { selector: {}, template: { spec: { containers: [] } } },
    status: { observedGeneration, conditions: message === null ? [] : [refused] },
  };
}

describe('why a Deployment makes no pods', () => {
  it('nothing is told while it makes them, or before its change was seen', () => {
    assert.equal(createSuspicion('web', deployment(null)), null);
    assert.equal(createSuspicion('web', deployment('pods "web-1" is forbidden: exceeded quota: small', 1)), null);
  });

  it('Pod Security refuses, in its words', () => {
    const said =
      'violates PodSecurity "baseline:latest": privileged (container "web" must not set securityContext.privileged=true)';

    const suspicion = createSuspicion('web', deployment(`pods "web-6fcd7c4b88-qpp2q" is forbidden: ${said}`));

    assert.equal(suspicion?.code, 'admission_refused');
    assert.equal(suspicion.message, `The cluster refuses the pods of web: ${said}`);
  });

  it('a quota is used up, or wants limits', () => {
    const used =
      'pods "web-1" is forbidden: exceeded quota: small, requested: limits.memory=1Gi, used: limits.memory=0, limited: limits.memory=64Mi';
    const wants = 'pods "web-1" is forbidden: failed quota: small: must specify limits.memory for: app';
    const range = 'pods "web-1" is forbidden: maximum memory usage per Container is 64Mi, but limit is 1Gi';

    assert.deepEqual(
      [used, wants, range].map((said) => refusalOf('web', said).code),
      Array(3).fill('quota_exceeded'),
    );
  });

  it('a webhook refuses at once, and one that is away is asked again', () => {
    const denied = refusalOf('web', 'admission webhook "rules.example.com" denied the request: no root');
    const away = refusalOf(
      'web',
      'Internal error occurred: failed calling webhook "rules.example.com": connection refused',
    );

    assert.equal(denied.code, 'admission_refused');
    assert.match(denied.message, /denied the request: no root/);
    assert.equal(away.code, 'admission_refused');
    assert.ok(away.patienceMs > 10 * denied.patienceMs);
  });

  it('an account that is not there yet is waited for', () => {
    const suspicion = refusalOf(
      'web',
      'pods "web-" is forbidden: error looking up service account shop/eve-app: serviceaccount "eve-app" not found',
    );

    assert.deepEqual([suspicion.code, suspicion.patienceMs], ['engine_error', 5_000]);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClusterRefused, missingRight, refusalOf } from './error.ts';

const server = 'https://cluster';
const refusal = (code: number, message: string, details = {}, reason?: string) => {
  const error = refusalOf(code, { message, details, reason }, 'create Pod web', server);
  return error instanceof ClusterRefused ? error.refusal : error.code;
};

describe('what the API server refuses', () => {
  it('is told apart by what it says', () => {
    const quota = 'pods "web" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2';
    const rights =
      'pods is forbidden: User "system:serviceaccount:eve:eve" cannot create resource "pods" in API group ""';
    const webhook = 'admission webhook "validate.kyverno.svc" denied the request: images must be signed';
    const policy = `pods "web" is forbidden: ValidatingAdmissionPolicy 'no-latest' with binding 'all' denied request: no`;
    const dead =
      'Internal error occurred: failed calling webhook "a.b": Post "https://a": dial tcp: connection refused';
    const ending =
      'pods "web" is forbidden: unable to create new content in namespace a because it is being terminated';

    assert.equal(refusal(403, quota), 'quota_exceeded');
    assert.equal(
      refusal(403, 'pods "web" is forbidden: failed quota: small: must specify limits.cpu'),
      'quota_exceeded',
    );
    assert.equal(refusal(403, rights), 'no_rights');
    assert.equal(refusal(401, 'Unauthorized'), 'no_rights');
    assert.equal(refusal(400, webhook), 'admission_refused');
    assert.equal(refusal(422, policy), 'admission_refused');
    assert.equal(refusal(500, dead), 'admission_refused');
    assert.equal(refusal(403, 'pods "web" is forbidden: maximum cpu usage per Container is 1'), 'admission_refused');
    assert.equal(refusal(403, ending), 'namespace_terminating');
    assert.equal(refusal(403, 'x', { causes: [{ reason: 'NamespaceTerminating' }] }), 'namespace_terminating');
    assert.equal(refusal(404, 'pods "web" not found'), 'not_found');
    assert.equal(refusal(409, 'pods "web" already exists', {}, 'AlreadyExists'), 'exists');
    assert.equal(refusal(409, 'the object has been modified', {}, 'Conflict'), 'conflict');
    assert.equal(refusal(422, 'Pod "web" is invalid: spec.containers: Required value'), 'invalid');
    assert.equal(refusal(413, 'limit is 3145728'), 'invalid');
    assert.equal(refusal(500, 'etcdserver: request timed out'), 'cluster_unreachable');
    assert.equal(refusal(503, 'apiserver is shutting down'), 'cluster_unreachable');
    assert.equal(refusal(429, 'too many requests'), 'cluster_unreachable');
  });

  it('is told in a sentence that names the right that is missing', () => {
    const said =
      'deployments.apps "web" is forbidden: User "system:serviceaccount:eve:eve" cannot patch resource "deployments" in API group "apps" in the namespace "shop"';

    const { message } = refusalOf(403, { message: said }, 'apply Deployment web in namespace shop', server);

    assert.equal(
      message,
      'Kubernetes refused to apply Deployment web in namespace shop: "system:serviceaccount:eve:eve" lacks the right to patch deployments (apps) in namespace shop.',
    );
  });

  it('names rights in the whole cluster and to subresources', () => {
    const whole =
      'namespaces is forbidden: User "eve" cannot create resource "namespaces" in API group "" at the cluster scope';
    const part =
      'pods "a" is forbidden: User "eve" cannot create resource "pods/exec" in API group "" in the namespace "b"';

    assert.deepEqual(missingRight(whole), {
      user: 'eve',
      verb: 'create',
      resource: 'namespaces',
      group: '',
      namespace: null,
    });
    assert.deepEqual(missingRight(part), {
      user: 'eve',
      verb: 'create',
      resource: 'pods/exec',
      group: '',
      namespace: 'b',
    });
    assert.equal(missingRight('exceeded quota'), null);
  });

  it('names each who owns what would change', () => {
    const causes = [
      { reason: 'FieldManagerConflict', message: 'conflict with "helm" using apps/v1', field: '.spec.replicas' },
      { reason: 'FieldManagerConflict', message: 'conflict with "kubectl-edit" using apps/v1', field: '.spec.paused' },
      { reason: 'FieldManagerConflict', message: 'conflict with "helm" using apps/v1', field: '.spec.minReadySeconds' },
    ];

    const error = refusalOf(
      409,
      { reason: 'Conflict', message: 'Apply failed', details: { causes } },
      'apply it',
      server,
    );

    assert.ok(error instanceof ClusterRefused);
    assert.equal(error.refusal, 'field_conflict');
    assert.equal(
      error.message,
      'Kubernetes refused to apply it: "helm" owns .spec.replicas, .spec.minReadySeconds; "kubectl-edit" owns .spec.paused.',
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerStatus, Event, Job, Pod, PodStatus } from '@eve/adapter-kubernetes';
import { podStateOf } from './trouble.ts';

const created = '2026-01-01T00:00:00Z';
const patience = { placeSeconds: 30, startSeconds: 60 };

const job = (condition?: { reason: string; message?: string }): Job => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'b', uid: '1', creationTimestamp: created },
  spec: { template: { spec: { containers: [] } } },
  ...(condition && { status: { conditions: [{ type: 'Failed', status: 'True', ...condition }] } }),
});

const pod = (status: PodStatus): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'b-1', creationTimestamp: created },
  spec: {
    initContainers: [{ name: 'buildkitd', image: 'x', resources: { limits: { memory: String(400 * 1_048_576) } } }],
    containers: [{ name: 'build', image: 'x' }],
  },
  status,
});

const container = (
  name: string,
  state: ContainerStatus['state'],
  more: Partial<ContainerStatus> = {},
): ContainerStatus => ({
  ...{ name, ready: false, restartCount: 0, ...more },
  ...(state && { state }),
});

const event = (reason: string, message: string): Event => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'e' },
  type: 'Warning',
  reason,
  message,
  involvedObject: {},
});

const look = (found: Pod | null, { events = [] as Event[], seconds = 1, of = job() } = {}) =>
  podStateOf({ job: of, pod: found, events, at: new Date(Date.parse(created) + seconds * 1000) }, patience);

const failureOf = (state: ReturnType<typeof podStateOf>) => (state.state === 'failed' ? state.failure : null);

describe('the pod of a build', () => {
  it('waits, runs and ends as its build container does', () => {
    const of = (state: ContainerStatus['state']) => look(pod({ containerStatuses: [container('build', state)] }));

    assert.equal(look(null).state, 'waiting');
    assert.equal(of({ waiting: { reason: 'PodInitializing' } }).state, 'waiting');
    assert.equal(of({ running: {} }).state, 'running');
    assert.deepEqual(of({ terminated: { exitCode: 0, message: '0 sha256:1' } }), {
      ...{ state: 'ended', exitCode: 0 },
      message: '0 sha256:1',
    });
  });

  it('without a place is waited for as long as nodes may take to come', () => {
    const message = '0/3 nodes are available: 3 Insufficient memory.';
    const unplaced = pod({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] });

    assert.equal(look(unplaced, { seconds: 29 }).state, 'waiting');
    const failure = failureOf(look(unplaced, { seconds: 31 }));
    assert.deepEqual([failure?.code, failure?.retryClass], ['resource_error', 'temporary_resource']);
    assert.match(failure?.message ?? '', /Insufficient memory/);
  });

  it('whose image cannot be pulled fails at once, with what the registry said', () => {
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "nowhere/buildkit"' };
    const failure = failureOf(look(pod({ initContainerStatuses: [container('buildkitd', { waiting })] })));

    assert.equal(failure?.code, 'infrastructure_error');
    assert.match(failure.message, /nowhere\/buildkit/);
    assert.match(failure.hint, /EVE_BUILDKIT_IMAGE/);
  });

  it('that the namespace refuses is named with the reason: quota or Pod Security', () => {
    const quota = failureOf(
      look(null, { events: [event('FailedCreate', 'pods "b-1" is forbidden: exceeded quota: small')] }),
    );
    const security = failureOf(
      look(null, {
        events: [event('FailedCreate', 'pods "b-1" is forbidden: violates PodSecurity "restricted:latest"')],
      }),
    );

    assert.deepEqual([quota?.code, quota?.retryClass], ['resource_error', 'temporary_resource']);
    assert.match(quota?.message ?? '', /exceeded quota: small/);
    assert.equal(security?.code, 'infrastructure_error');
    assert.match(security.hint, /pod-security\.kubernetes\.io\/enforce/);
  });

  it('that runs out of memory, whichever container does, lacked a resource', () => {
    const killed = { terminated: { exitCode: 137, reason: 'OOMKilled' } };
    const daemon = container('buildkitd', { running: {} }, { lastState: killed, restartCount: 1 });
    const failure = failureOf(
      look(pod({ initContainerStatuses: [daemon], containerStatuses: [container('build', { running: {} })] })),
    );

    assert.equal(failure?.code, 'resource_error');
    assert.match(failure.message, /of 400 MiB: out of memory/);
  });

  it('that is evicted lacked a resource of its node', () => {
    const failure = failureOf(
      look(pod({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: ephemeral-storage.' })),
    );

    assert.deepEqual([failure?.code, failure?.retryClass], ['resource_error', 'temporary_resource']);
    assert.match(failure?.message ?? '', /ephemeral-storage/);
  });

  it('whose node is lost says that the builder was lost', () => {
    const disrupted = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'node not ready',
    } as const;

    for (const lost of [look(pod({ conditions: [disrupted] })), look(pod({ reason: 'NodeLost' }))])
      assert.equal(failureOf(lost)?.code, 'infrastructure_error');
    assert.equal(failureOf(look(null, { of: job({ reason: 'BackoffLimitExceeded' }) }))?.code, 'infrastructure_error');
  });

  it('over the longest time of any build timed out', () => {
    const failure = failureOf(look(null, { of: job({ reason: 'DeadlineExceeded' }) }));

    assert.equal(failure?.code, 'timeout_error');
  });

  it('that never starts fails with the last warning of its node', () => {
    const events = [event('FailedMount', 'secret "x" not found')];
    const starting = pod({ containerStatuses: [container('build', { waiting: { reason: 'ContainerCreating' } })] });

    assert.equal(look(starting, { events, seconds: 59 }).state, 'waiting');
    assert.match(failureOf(look(starting, { events, seconds: 61 }))?.message ?? '', /secret "x" not found/);
  });
});

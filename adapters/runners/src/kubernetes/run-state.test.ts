import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Condition, ContainerState, Job, Pod, PodStatus } from '@eve/adapter-kubernetes';
import type { RunnerPlan } from '@eve/operations';
import { isOvertaken, refuseForeign, runJob, runsNamespace } from './run-job.ts';
import { exitCodeOf, stateOf } from './run-state.ts';

const plan: RunnerPlan = {
  name: 'Shop_test-web-release-01',
  image: 'registry.example.com/web@sha256:00',
  command: ['echo', '$(HOME)'],
  environment: { KEY: 'a-secret-value' },
  place: 'shop-test',
  login: null,
  limits: { memoryBytes: 1_048_576, cpus: 0.5 },
};
const lease = { workId: 'work_01k00000000000000000000000', fence: 2 } as const;
const made = runJob(plan, { installation: 'here', namespace: 'builds' }, lease);

function look(status: PodStatus | null, conditions: readonly Condition[] = [], told = '') {
  const job: Job = { ...made, metadata: { ...made.metadata, uid: 'job' }, status: { conditions } };
  const pod: Pod | null = status && {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'run-1', uid: 'pod' },
    spec: made.spec.template.spec,
    status,
  };
  const about = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, involvedObject: {} } as const;
  return { job, pod, events: told ? [{ ...about, reason: 'FailedCreate', message: told }] : [] };
}

const container = (state: ContainerState): PodStatus => ({
  containerStatuses: [{ name: 'run', ready: false, restartCount: 0, state }],
});

describe('a run as a Job', () => {
  it('is made once, waits for its Secret, and carries no value of a variable', () => {
    assert.match(made.metadata.name, /^shop-test-web-release-01-[0-9a-f]{8}$/);
    assert.deepEqual([made.spec.suspend, made.spec.backoffLimit], [true, 0]);
    assert.ok(!JSON.stringify(made).includes('a-secret-value'));
    const [run] = made.spec.template.spec.containers;
    assert.deepEqual(run?.args, ['echo', '$$(HOME)']);
    assert.deepEqual(run?.resources?.limits, { memory: '1048576', cpu: '500m' });
  });

  it('takes a user by number, and no name that only the image could explain', () => {
    const of = (user: string) => runJob({ ...plan, user }, { installation: 'here', namespace: 'builds' }, lease);

    assert.equal(of('1000:2000').spec.template.spec.securityContext?.runAsGroup, 2000);
    assert.equal(of('nobody').spec.template.spec.securityContext?.runAsUser, 65_534);
    assert.throws(() => of('postgres'), { code: 'engine_capability_missing' });
  });

  it('is refused in a namespace of its environment’s name that is not its environment’s', () => {
    const settings = { installation: 'here', namespace: 'builds' };
    const wanted = runsNamespace({ place: 'shop-test', environmentId: 'env_01k00000000000000000000000' }, settings);
    const labelled = (more: object) => ({ ...wanted, metadata: { ...wanted.metadata, ...more } });

    refuseForeign(wanted, wanted);
    const others = [
      { labels: undefined },
      { labels: { ...wanted.metadata.labels, 'eve.dev/environment': 'env_01k00000000000000000000001' } },
      { labels: { ...wanted.metadata.labels, 'eve.dev/installation': 'elsewhere' } },
    ];
    for (const other of others)
      assert.throws(() => refuseForeign(labelled(other), wanted), { code: 'cluster_refused', message: /shop-test/ });
  });

  it('is refused to whom a later claim of the same work has overtaken', () => {
    assert.ok(isOvertaken(`${lease.workId}:3`, lease));
    assert.ok(!isOvertaken(`${lease.workId}:2`, lease));
    assert.ok(!isOvertaken('work_01k0000000000000000000000b:9', lease));
    assert.ok(!isOvertaken(undefined, lease));
  });

  it('waits, runs and ends as its pod does', () => {
    const end = { exitCode: 3, reason: 'Error' };

    assert.equal(stateOf(look(null)).state, 'waiting');
    assert.equal(stateOf(look(container({ waiting: { reason: 'ContainerCreating' } }))).state, 'waiting');
    assert.equal(stateOf(look(container({ running: {} }))).state, 'running');
    assert.deepEqual(stateOf(look(container({ terminated: end }))), {
      ...{ state: 'ended', end, outOfMemory: false, said: null },
    });
  });

  it('that the cluster ended tells why, with the number of its end', () => {
    const evicted = { ...container({ terminated: { exitCode: 137, reason: 'Error' } }), reason: 'Evicted' };

    const state = stateOf(look({ ...evicted, phase: 'Failed', message: 'The node was low on resource: memory.' }));

    assert.ok(state.state === 'ended' && !state.outOfMemory);
    assert.equal(state.said, 'Evicted: The node was low on resource: memory.');
  });

  it('whose machine is lost is an outage before its program has begun, and lost for good after', () => {
    const failed: Condition = { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' };

    const states = [
      stateOf(look(null, [failed])),
      stateOf(look({ ...container({ running: {} }), phase: 'Failed', reason: 'NodeLost' })),
      stateOf(look({ phase: 'Failed', reason: 'OutOfcpu' })),
    ];

    const codes = states.map((each) => [each.state, 'error' in each && each.error.code]);
    assert.deepEqual(codes, [
      ['lost', 'record_changed'],
      ['lost', 'record_changed'],
      ['stuck', 'engine_unavailable'],
    ]);
    const [gone] = states;
    assert.ok(gone?.state === 'lost');
    assert.match(gone.error.message, /Shop_test-web-release-01 was lost by the cluster: its pod is gone/);
  });

  it('that may not be made, finds no machine or no image says so', () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }] as const;
    const notFound = { reason: 'ErrImagePull', message: 'rpc error: code = NotFound desc = web: not found' };
    const away = { reason: 'ErrImagePull', message: 'dial tcp 127.0.0.1:9: connect: connection refused' };
    const codes = [
      look(null, [], 'Error creating: pods "x" is forbidden: exceeded quota: none'),
      look({ conditions }),
      look(container({ waiting: notFound })),
      look(container({ waiting: away })),
    ].map((each) => {
      const state = stateOf(each);
      return state.state === 'stuck' ? [state.error.code, state.isOver] : state.state;
    });

    assert.deepEqual(codes, [
      ['cluster_refused', true],
      ['engine_unavailable', false],
      ['image_unknown', true],
      ['registry_unavailable', false],
    ]);
  });

  it('ends with the number of a shell where its program is not there or may not be run', () => {
    const said = (message: string) => exitCodeOf({ exitCode: 128, reason: 'StartError', message });

    assert.equal(said('exec: "/no": stat /no: no such file or directory: unknown'), 127);
    assert.equal(said('exec: "/etc/passwd": permission denied: unknown'), 126);
    assert.equal(exitCodeOf({ exitCode: 128, reason: 'Error', message: '' }), 128);
    assert.equal(exitCodeOf({ exitCode: 5, reason: 'Error' }), 5);
  });
});

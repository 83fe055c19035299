import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildFailure } from './build-failure.ts';
import {
  advanceBuildRun,
  type BuildRun,
  type BuildRunEvent,
  type BuildRunStatus,
  buildRunTransitions,
} from './build-run.ts';
import {
  advanceDeploy,
  type Deploy,
  type DeployEvent,
  type DeployStatus,
  deployTransitions,
  waitsForPerson,
} from './deploy.ts';
import {
  outcomeOf,
  pipelineRunTransitions,
  type Step,
  type StepStatus,
  startableSteps,
  stepTransitions,
  unreachableSteps,
} from './pipeline.ts';
import { isFinal, nextStatus, type Transitions } from './state-machine.ts';

const at = new Date('2026-01-02T03:04:05Z');
const tables: Record<string, Transitions<string, string>> = {
  'build run': buildRunTransitions,
  deploy: deployTransitions,
  'pipeline run': pipelineRunTransitions,
  step: stepTransitions,
};
const finals: Record<string, string[]> = {
  'build run': ['completed', 'failed', 'cancelled'],
  deploy: ['healthy', 'failed', 'cancelled', 'superseded'],
  'pipeline run': ['succeeded', 'failed', 'cancelled'],
  step: ['succeeded', 'failed', 'skipped', 'cancelled'],
};

for (const [name, table] of Object.entries(tables)) {
  describe(`the states of a ${name}`, () => {
    const statuses = Object.keys(table);
    const events = [...new Set(statuses.flatMap((status) => Object.keys(table[status] ?? {})))];

    it('lead only to states there are, and each is reached', () => {
      const reached = statuses.flatMap((status) => Object.values(table[status] ?? {}));
      for (const status of reached) assert.ok(statuses.includes(status ?? ''));
      assert.deepEqual(
        statuses.filter((status) => status !== 'pending' && !reached.includes(status)),
        [],
      );
    });

    it('end in the final ones, and stay there', () => {
      assert.deepEqual(statuses.filter((status) => isFinal(table, status)).sort(), [...(finals[name] ?? [])].sort());
    });

    it('refuse every event that the table does not have', () => {
      for (const status of statuses) {
        for (const event of events) {
          const next = table[status]?.[event];
          if (next) assert.equal(nextStatus(table, status, event, name), next);
          else
            assert.throws(() => nextStatus(table, status, event, name), {
              code: 'state_transition_invalid',
              kind: 'conflict',
            });
        }
      }
    });
  });
}

describe('a build run', () => {
  // Only what the state machine reads.
  const run = (over: Partial<BuildRun>) =>
    ({
      id: 'brun_1',
      attempt: 0,
      startedAt: null,
      completedAt: null,
      cancelRequestedAt: null,
      failure: null,
      ...over,
    }) as BuildRun;
  const failure = buildFailure('clone_error', 'repository not found');

  it('cannot be completed once a cancel was asked for', () => {
    const asked = run({ status: 'building', cancelRequestedAt: at });
    assert.equal(advanceBuildRun(asked, { type: 'complete' }, at).status, 'cancelled');
  });

  it('counts attempts, keeps its reason, and has both ends of its time whenever it ends', () => {
    assert.equal(advanceBuildRun(run({ status: 'pending', attempt: 1 }), { type: 'start' }, at).attempt, 2);
    const ends: [BuildRunStatus, BuildRunEvent][] = [
      ['pending', { type: 'complete' }],
      ['pending', { type: 'cancel' }],
      ['pending', { type: 'fail', failure }],
      ['building', { type: 'fail', failure }],
    ];
    for (const [status, event] of ends) {
      const ended = advanceBuildRun(run({ status }), event, at);
      assert.deepEqual([ended.startedAt, ended.completedAt, ended.phase], [at, at, null]);
      assert.equal(ended.failure, event.type === 'fail' ? failure : null);
    }
  });
});

describe('a deploy', () => {
  it('has both ends of its time whenever it ends', () => {
    const ends: [DeployStatus, DeployEvent][] = [
      ['pending', { type: 'supersede' }],
      ['awaiting_approval', { type: 'cancel' }],
      ['deploying', { type: 'succeed' }],
    ];
    for (const [status, event] of ends) {
      // Only what the state machine reads.
      const ended = advanceDeploy({ id: 'dep_1', status, startedAt: null } as unknown as Deploy, event, at);
      assert.deepEqual([ended.startedAt, ended.completedAt], [at, at]);
    }
  });
});

describe('a deploy that waits for a person', () => {
  for (const [status, phase, approvedAt, expected] of [
    ['awaiting_approval', null, null, 'approval'],
    ['awaiting_approval', null, at, null],
    ['deploying', 'paused', null, 'promotion'],
    ['deploying', 'canary', null, null],
    ['failed', null, null, null],
  ] as const) {
    it(`waits for ${expected} as ${status}, ${phase}${approvedAt ? ', approved' : ''}`, () =>
      assert.equal(waitsForPerson({ status, phase, approvedAt }), expected));
  }
});

describe('the steps of a pipeline', () => {
  const step = (name: string, status: StepStatus, ...dependsOn: string[]) =>
    ({ name, status, dependsOn }) as unknown as Step; // only what is read

  it('start when all they depend on has passed', () => {
    const steps = [
      step('a', 'succeeded'),
      step('b', 'skipped'),
      step('c', 'pending', 'a', 'b'),
      step('d', 'pending', 'c'),
      step('e', 'pending'),
    ];
    assert.deepEqual(
      startableSteps(steps).map(({ name }) => name),
      ['c', 'e'],
    );
  });

  it('are lost behind a failed one, at any distance', () => {
    const steps = [step('d', 'pending', 'c'), step('c', 'pending', 'a'), step('a', 'failed'), step('e', 'pending')];
    assert.deepEqual(
      unreachableSteps(steps)
        .map(({ name }) => name)
        .sort(),
      ['c', 'd'],
    );
  });

  it('tell how the run ends, once all have', () => {
    assert.equal(outcomeOf([step('a', 'succeeded'), step('b', 'running')]), null);
    assert.equal(outcomeOf([step('a', 'succeeded'), step('b', 'skipped')]), 'succeed');
    assert.equal(outcomeOf([step('a', 'failed'), step('b', 'cancelled')]), 'fail');
    assert.equal(outcomeOf([step('a', 'succeeded'), step('b', 'cancelled')]), 'cancel');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DriftExpectation, driftOf, nextRepairAt, type SeenInstance, sameDifferences } from './drift.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const web = { name: 'web', replicas: 2, hash: 'wanted', digests: [digest, 'sha256:config'] };
const expectation: DriftExpectation = { services: [web], deploys: ['dep_now'] };

function instance(name: string, over: Partial<SeenInstance> = {}): SeenInstance {
  return {
    name,
    service: 'web',
    deployId: 'dep_now',
    hash: 'wanted',
    named: true,
    state: 'running',
    digests: ['sha256:config'],
    ...over,
  };
}
const both = [instance('web-1'), instance('web-2')];
const kinds = (instances: readonly SeenInstance[], expected = expectation) =>
  driftOf(expected, instances).map(({ kind, instance: name }) => (name ? `${kind} ${name}` : kind));

describe('drift', () => {
  it('is none while every instance runs as released and is named', () => {
    assert.deepEqual(driftOf(expectation, both), []);
  });

  it('names how many instances are missing', () => {
    const [missing, ...others] = driftOf(expectation, both.slice(1));

    assert.deepEqual(missing, {
      kind: 'missing',
      service: 'web',
      instance: null,
      expected: '2 instances',
      found: '1',
    });
    assert.deepEqual(others, []);
  });

  it('names every service of which nothing is left', () => {
    const expected = { ...expectation, services: [web, { ...web, name: 'jobs', replicas: 1 }] };

    assert.deepEqual(
      driftOf(expected, []).map(({ service, found }) => [service, found]),
      [
        ['web', '0'],
        ['jobs', '0'],
      ],
    );
  });

  it('tells what is stopped or restarts from what is missing', () => {
    const stopped = instance('web-2', { state: 'exited', named: false });

    assert.deepEqual(kinds([instance('web-1'), stopped]), ['stopped web-2']);
    assert.deepEqual(kinds([instance('web-1'), instance('web-2', { state: 'restarting' })]), ['stopped web-2']);
  });

  it('sees an image that the release does not name', () => {
    const [first, ...others] = driftOf(expectation, [instance('web-1'), instance('web-2', { digests: ['sha256:x'] })]);

    assert.deepEqual(first, {
      kind: 'image',
      service: 'web',
      instance: 'web-2',
      expected: digest,
      found: 'sha256:x',
    });
    assert.deepEqual(others, []);
  });

  it('sees settings of another revision, and counts such an instance once', () => {
    const other = instance('web-2', { hash: 'other', deployId: 'dep_before' });

    assert.deepEqual(kinds([instance('web-1'), other]), ['configuration web-2']);
  });

  it('takes what a deploy of this revision started for its own, however hashes are made today', () => {
    assert.deepEqual(kinds([instance('web-1', { hash: 'of an older Eve' }), instance('web-2')]), []);
  });

  it('sees an instance that its name does not resolve to', () => {
    assert.deepEqual(kinds([instance('web-1'), instance('web-2', { named: false })]), ['unreachable web-2']);
  });

  it('sees what serves beyond the replicas, and what no revision has', () => {
    const third = instance('web-3');
    const stranger = instance('old-1', { service: 'old' });

    assert.deepEqual(kinds([...both, third, stranger]), ['extra web-3', 'extra old-1']);
  });

  it('leaves alone what drains, is kept warm or was left by a revision before', () => {
    const before = { hash: 'other', deployId: 'dep_before', named: false } as const;
    const left = [instance('old-1', before), instance('old-2', { ...before, state: 'exited' })];
    const twin = instance('web-0', { deployId: 'dep_before', named: false });

    assert.deepEqual(kinds([...both, ...left, twin]), []);
  });

  it('is the same whatever the order in which the runtime lists', () => {
    const seen = [instance('web-2', { state: 'exited' }), instance('old-1', { service: 'old' })];

    assert.ok(sameDifferences(driftOf(expectation, seen), driftOf(expectation, seen.toReversed())));
    assert.ok(!sameDifferences(driftOf(expectation, seen), driftOf(expectation, [])));
  });
});

describe('the repair of a drift', () => {
  const detectedAt = new Date('2026-01-01T00:00:00Z');
  const ended = (seconds: number) => ({ completedAt: new Date(detectedAt.getTime() + seconds * 1000) });
  const after = (tried: readonly { completedAt: Date | null }[]) => {
    const at = nextRepairAt({ detectedAt }, tried);
    return at && (at.getTime() - detectedAt.getTime()) / 1000;
  };

  it('is tried at once, and then at ever longer distances', () => {
    assert.equal(after([]), 0);
    assert.equal(after([ended(5)]), 35);
    assert.equal(after([ended(5), ended(40)]), 100);
    assert.equal(after(Array.from({ length: 20 }, () => ended(0))), 1800);
  });

  it('is not tried beside another', () => {
    assert.equal(after([ended(5), { completedAt: null }]), null);
  });
});

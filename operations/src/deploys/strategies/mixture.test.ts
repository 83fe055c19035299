import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contractPlace } from '../../../testing/deployer-target.ts';
import type { DeployTarget, Instance } from '../../ports/deployer.ts';
import { divided, heldBack } from './division.ts';
import { mixture } from './mixture.ts';

const image = { image: 'sha256:1', local: true, digests: ['sha256:1'], login: null };

/** Two revisions of web with so many replicas, and of a worker that changes as well. */
function revisions(old: number, fresh: number): { before: DeployTarget; target: DeployTarget } {
  const place = contractPlace(image);
  const of = (version: string, replicas: number) =>
    place.target(
      { name: 'web', variables: { VERSION: version }, more: { replicas } },
      { name: 'jobs', variables: { VERSION: version }, port: null },
    );
  return { before: of('old', old), target: of('new', fresh) };
}

/** Instances of a target's service, named `old-web-1` and so on; `states` says of each whether it is named, running or stopped. */
function instances(
  target: DeployTarget,
  service: string,
  states: readonly ('named' | 'running' | 'exited')[],
): Instance[] {
  const wanted = target.services.find((each) => each.service.name === service);
  return states.map((state, index) => ({
    name: `${wanted?.environment.VERSION}-${service}-${index + 1}`,
    service,
    deployId: target.deployId,
    hash: wanted?.hash ?? '',
    ports: [],
    named: state === 'named',
    state: state === 'exited' ? 'exited' : 'running',
    restarts: 0,
    digests: image.digests,
    startedAt: null,
  }));
}

const names = (listed: readonly Instance[]) => listed.map(({ name }) => name).sort();

describe('what serves in the middle of a rolling deploy', () => {
  it('is what is new so far, and the old ones that it does not make up for', () => {
    const { before, target } = revisions(3, 3);
    const observed = [
      ...instances(before, 'web', ['named', 'named', 'exited']),
      ...instances(before, 'jobs', ['named']),
      ...instances(target, 'web', ['named', 'running']),
    ];

    const now = mixture({ target, before }, observed, { service: 'web', entering: 2 });
    const back = mixture({ target, before }, observed, null);

    assert.deepEqual(names(now.serving), ['new-web-1', 'new-web-2', 'old-jobs-1', 'old-web-1']);
    assert.deepEqual(names(now.leaving), ['old-web-2']);
    assert.deepEqual(names(back.serving), ['new-web-1', 'old-jobs-1', 'old-web-1', 'old-web-2']);
    assert.deepEqual([back.leaving, back.missing], [[], []]);
  });

  it('makes room first where it is asked for, and misses what was stopped too early', () => {
    const { before, target } = revisions(2, 2);
    const begun = [...instances(before, 'web', ['named', 'named']), ...instances(target, 'web', ['running'])];
    const failed = instances(before, 'web', ['named', 'exited']);

    const room = mixture({ target, before }, begun, { service: 'web', room: 1 });
    const { missing } = mixture({ target, before }, failed, null);

    assert.deepEqual([names(room.serving), names(room.leaving)], [['old-web-1'], ['old-web-2']]);
    assert.deepEqual(names(missing), ['old-web-2']);
  });

  it('leaves no old one when fewer new ones are all there', () => {
    const { before, target } = revisions(4, 1);
    const observed = [
      ...instances(before, 'web', ['named', 'named', 'named', 'named']),
      ...instances(target, 'web', ['running']),
    ];

    const { serving, leaving } = mixture({ target, before }, observed, { service: 'web', entering: 1 });

    assert.deepEqual(names(serving), ['new-web-1']);
    assert.equal(leaving.length, 4);
  });
});

describe('traffic of a canary', () => {
  it('is divided where old and new stand beside each other, and holds back what cannot', () => {
    const { before, target } = revisions(2, 1);
    const old = [...instances(before, 'web', ['named', 'named']), ...instances(before, 'jobs', ['named'])];
    const both = [...old, ...instances(target, 'web', ['running'])];

    const { weights, divides } = divided({ target, before }, both, 20);
    const alone = divided({ target, before: null }, instances(target, 'web', ['running']), 20);

    assert.equal(divides, true);
    assert.deepEqual(weights, { 'old-web-1': 2, 'old-web-2': 2, 'old-jobs-1': 1, 'new-web-1': 1 });
    assert.deepEqual(alone, { weights: { 'new-web-1': 1 }, divides: false });
    assert.deepEqual(heldBack({ target, before }, old), { jobs: 0 });
    assert.deepEqual(heldBack({ target, before: null }, []), {});
  });
});

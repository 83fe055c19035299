import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instance } from '@eve/operations';
import { contractPlace } from '../../../../operations/testing/deployer-target.ts';
import type { Found } from './found.ts';
import { plannedChanges } from './plan.ts';

const digests = ['sha256:new'];
const place = contractPlace({ image: 'registry/shop@sha256:new', local: false, digests, login: null });

function found(instance: Pick<Instance, 'digests' | 'named'>): Found {
  const { deployId } = place.target();
  return {
    slot: 1,
    instance: {
      name: 'web-1',
      service: 'web',
      deployId,
      hash: 'another',
      ports: [],
      state: 'running',
      restarts: 0,
      startedAt: null,
      ...instance,
    },
    // Nothing of the container is read to plan.
    container: {} as Found['container'],
  };
}

function reasonOf(...before: readonly Found[]): string | undefined {
  return plannedChanges(place.target({ name: 'web' }), before)[0]?.reason;
}

describe('the plan of a deploy', () => {
  it('tells a changed image from a changed configuration', () => {
    assert.equal(reasonOf(), 'it does not run yet');
    assert.equal(reasonOf(found({ digests: ['sha256:old'], named: true })), 'its image changed');
    assert.equal(reasonOf(found({ digests, named: true })), 'its configuration or settings changed');
  });

  it('compares with what serves, not with what is only kept warm', () => {
    const warm = found({ digests, named: false });

    assert.equal(reasonOf(warm, found({ digests: ['sha256:old'], named: true })), 'its image changed');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { annotation, type Deployment, deploymentName, label, type Pod, type Slot } from '@eve/adapter-kubernetes';
import type { Service as Wanted } from '@eve/domain';
import { contractPlace } from '../../../../operations/testing/deployer-target.ts';
import { innerService } from './service-objects.ts';
import { choose, instancesOf, isTouched, type Standing, servingSlots, slotToRoll } from './standing.ts';

const image = { image: 'registry.test/web@sha256:1', local: false, digests: [], login: null };
const target = contractPlace(image).target({ name: 'web' });
const [wanted] = target.services;
assert.ok(wanted);
const { hash } = wanted;

interface There {
  readonly slot: Slot;
  readonly hash: string;
  readonly deploy?: string;
  readonly serves?: boolean;
}

function standing(...there: readonly There[]): Standing {
  const labels = (slot: Slot) => ({ [label.service]: 'web', [label.slot]: slot });
  const of = ({ hash, deploy = 'dep_old' }: There) => ({ [annotation.hash]: hash, [annotation.deploy]: deploy });
  const serving = there.filter(({ serves }) => serves).map(({ slot }) => slot);
  assert.ok(wanted);
  return {
    deployments: there.map(
      (each): Deployment => ({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: deploymentName('web', each.slot), labels: labels(each.slot) },
        spec: { selector: {}, template: { metadata: { annotations: of(each) }, spec: { containers: [] } } },
      }),
    ),
    pods: there.map(
      (each): Pod => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          name: `${deploymentName('web', each.slot)}-5d9c-abcde`,
          labels: labels(each.slot),
          annotations: of(each),
        },
        spec: { containers: [] },
        status: { phase: 'Running' },
      }),
    ),
    digests: new Map(),
    names: [innerService({ namespace: 'shop', labels: {} }, wanted, serving)],
  };
}

describe('where a service comes up', () => {
  const chosen = (there: readonly There[], more: Partial<typeof target> = {}, service: Partial<Wanted> = {}) => {
    assert.ok(wanted);
    const asked = { ...wanted, service: { ...wanted.service, ...service } };
    const { kind, slot } = choose(standing(...there), { ...target, ...more }, asked);
    return `${kind} ${slot}`;
  };
  const serving: There = { slot: 'blue', hash: 'other', serves: true };

  it('is beside what serves, in the place of what does not', () => {
    assert.equal(chosen([]), 'beside blue');
    assert.equal(chosen([serving]), 'beside green');
    assert.equal(chosen([{ ...serving, slot: 'green' }]), 'beside blue');
    assert.equal(chosen([serving, { slot: 'green', hash: 'older' }]), 'beside green');
  });

  it('is where it serves already, where this deploy began it, or where what served before still runs', () => {
    const warm: There = { slot: 'green', hash };

    assert.equal(chosen([{ ...serving, hash }]), 'kept blue');
    assert.equal(chosen([serving, { ...warm, deploy: target.deployId }]), 'mine green');
    assert.equal(chosen([serving, warm], { reusable: ['web-green-5d9c-abcde'] }), 'again green');
    assert.equal(chosen([serving, warm]), 'beside green');
    assert.equal(chosen([{ ...warm, hash: 'stale', deploy: target.deployId }]), 'beside green');
  });

  it('is in place of what writes to the same volume', () => {
    const volumes = [{ name: 'data', path: '/data', readOnly: false }];

    assert.equal(chosen([serving], {}, { volumes }), 'replace blue');
    assert.equal(chosen([], {}, { volumes }), 'beside blue');
  });
});

it('instances have the name that leads to their slot', () => {
  const both = standing({ slot: 'blue', hash: 'a' }, { slot: 'green', hash: 'b', serves: true });

  assert.deepEqual(servingSlots(both, 'web'), ['green']);
  assert.deepEqual(
    instancesOf(both).map(({ name, hash, named }) => [name, hash, named]),
    [
      ['web-5d9c-abcde', 'a', false],
      ['web-green-5d9c-abcde', 'b', true],
    ],
  );
});

describe('where a service is rolled', () => {
  const rolledIn = (...there: readonly There[]) => wanted && slotToRoll(standing(...there), wanted);

  it('is where it serves, and where nothing does, where it already is what is wanted', () => {
    const green: There = { slot: 'green', hash };

    assert.equal(rolledIn(), 'blue');
    assert.equal(rolledIn({ slot: 'blue', hash }, { slot: 'green', hash: 'other', serves: true }), 'green');
    assert.equal(rolledIn({ slot: 'blue', hash: 'warm' }, green), 'green', 'its Service was removed by somebody');
    assert.equal(rolledIn({ slot: 'blue', hash: 'old', serves: true }, { ...green, serves: true }), 'green');
  });
});

it('a Deployment into which somebody has put another image is told from one that is as an earlier deploy made it', () => {
  const [made] = standing({ slot: 'blue', hash, serves: true }).deployments;
  assert.ok(made && wanted);
  const digest = `sha256:${'a'.repeat(64)}`;
  const asked = { ...wanted, digests: [digest] };
  const touched = (image: string, deploy = 'dep_old') => {
    const { metadata } = made.spec.template;
    const annotations = { ...metadata?.annotations, [annotation.deploy]: deploy };
    const template = { metadata: { annotations }, spec: { containers: [{ name: 'app', image }] } };
    return isTouched({ ...made, spec: { ...made.spec, template } }, target, asked);
  };

  assert.ok(touched('registry.test/web:hotfix'));
  assert.ok(touched(`registry.test/web@sha256:${'b'.repeat(64)}`));
  assert.ok(!touched(asked.image));
  assert.ok(!touched(`elsewhere.test/web@${digest}`), 'the same by another name');
  assert.ok(!touched('registry.test/web:hotfix', target.deployId), 'the same deploy makes it once');
  assert.ok(!isTouched(made, target, { ...asked, hash: 'of another revision' }));
});

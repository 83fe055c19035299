import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { rights, rightsOf } from './rights.ts';

describe('what Eve may have to do in a cluster', () => {
  it('is what the chart gives it', async () => {
    const text = await readFile(new URL('../../../deploy/chart/rights.txt', import.meta.url), 'utf8');
    const given = text
      .split('\n')
      .filter((line) => /^\w/.test(line))
      .map((line) => line.trim().replace(/\s+/g, ' '));

    const wanted = Object.entries(rights).flatMap(([actor, places]) =>
      Object.entries(places).flatMap(([place, verbs]) =>
        Object.entries(verbs).map(([resource, words]) => `${actor} ${place} ${resource} ${words}`),
      ),
    );

    assert.deepEqual(wanted.toSorted(), given.toSorted());
  });

  it('is to watch only what it watches', () => {
    const watched = (['api', 'worker'] as const).flatMap((actor) =>
      rightsOf(actor, 'builds-here').flatMap(({ verb, resource }) => (verb === 'watch' ? [resource] : [])),
    );

    assert.deepEqual([...new Set(watched)].toSorted(), ['deployments', 'pods']);
  });

  it('is taken apart into verbs, groups and parts of resources', () => {
    const all = rightsOf('worker', 'builds-here');

    const found = (resource: string) => all.filter((right) => right.resource === resource);
    assert.deepEqual(found('deployments/scale'), [
      { place: 'everywhere', verb: 'patch', resource: 'deployments/scale', group: 'apps', namespace: null },
    ]);
    assert.deepEqual(found('pods/exec')[0], {
      place: 'builds',
      verb: 'create',
      resource: 'pods/exec',
      group: '',
      namespace: 'builds-here',
    });
    assert.equal(found('ingresses')[0]?.group, 'networking.k8s.io');
  });
});

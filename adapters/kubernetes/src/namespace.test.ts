import assert from 'node:assert/strict';
import { it } from 'node:test';
import { namespaceOf } from './namespace.ts';

it('a namespace has the name of its place, and a long one is cut without becoming another’s', () => {
  const long = 'eve-main-a-project-with-a-very-long-name-indeed-production-abcdef';

  const names = [namespaceOf('eve-main-shop-test-1a2b3c'), namespaceOf(`${long}1`), namespaceOf(`${long}2`)];

  assert.equal(names[0], 'eve-main-shop-test-1a2b3c');
  assert.ok(names.every((name) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) && name.length <= 63));
  assert.equal(new Set(names).size, 3);
});

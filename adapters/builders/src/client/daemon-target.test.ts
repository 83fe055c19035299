import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseDaemon, daemonsAt } from './daemon-target.ts';

const projects = Array.from({ length: 2_000 }, (_, index) => `shop/project-${index}`);
const pool = (count: number) => Array.from({ length: count }, (_, index) => `tcp://buildkit-${index}:1234`);

describe('a pool of daemons', () => {
  it('gives a project the same daemon each time, whatever the order they are named in', () => {
    for (const project of projects.slice(0, 50))
      assert.equal(chooseDaemon(pool(4), project), chooseDaemon(pool(4).reverse(), project));
  });

  it('spreads projects evenly', () => {
    const counts = Map.groupBy(projects, (project) => chooseDaemon(pool(4), project));

    for (const { length } of counts.values()) assert.ok(length > 400 && length < 600, `${length} of 2000`);
  });

  it('moves about one project in five to a fifth daemon, and none between the others', () => {
    const moved = projects.filter((project) => chooseDaemon(pool(5), project) !== chooseDaemon(pool(4), project));

    assert.ok(moved.length > 300 && moved.length < 500, `${moved.length} of 2000`);
    assert.ok(moved.every((project) => chooseDaemon(pool(5), project) === 'tcp://buildkit-4:1234'));
  });

  it('takes addresses with commas between them, one each where the organisation stands in them', async () => {
    const daemons = daemonsAt('tcp://{organisation}-a:1, tcp://{organisation}-b:1');

    const { address } = await daemons('shop', undefined, 'web');

    assert.match(address, /^tcp:\/\/shop-[ab]:1$/);
    assert.throws(() => daemonsAt('tcp://a:1,http://b'), { code: 'request_invalid' });
    assert.throws(() => daemonsAt('tcp://a:1,'), { code: 'request_invalid' });
    assert.throws(() => daemonsAt('tcp://{organisation}-a:1,tcp://b:1'), { code: 'request_invalid' });
  });
});

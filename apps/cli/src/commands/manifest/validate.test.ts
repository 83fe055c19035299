import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runEve, scratch } from '../../../testing/run-eve.ts';

describe('eve manifest validate', () => {
  it('checks without a server or a project', async () => {
    await using place = await scratch();
    await mkdir(join(place.path, '.eve'));
    const file = join(place.path, '.eve', 'manifest.yaml');
    await writeFile(file, 'services:\n  web: { build: . }\n');

    const good = await runEve(['manifest', 'validate'], { cwd: place.path });
    await writeFile(file, 'services:\n  web: { buidl: . }\n');
    const bad = await runEve(['manifest', 'validate'], { cwd: place.path });

    assert.equal(good.code, 0, good.stderr);
    assert.match(good.stdout, /is valid\./);
    assert.equal(bad.code, 1);
    assert.match(bad.stdout, /error +2:/);
  });

  it('needs a server to know which secrets are set', async () => {
    await using place = await scratch();
    await mkdir(join(place.path, '.eve'));
    await writeFile(join(place.path, '.eve', 'manifest.yaml'), 'services:\n  web: { build: . }\n');

    const { code, stderr } = await runEve(['manifest', 'validate', '--strict'], { cwd: place.path });

    assert.equal(code, 2);
    assert.match(stderr, /No Eve server is known/);
  });
});

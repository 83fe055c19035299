import assert from 'node:assert/strict';
import { it } from 'node:test';
import { mirrorsFrom } from './apt-mirror.ts';

it('takes the mirrors that the machine uses, without their final slashes', () => {
  const lines = [
    'http://mirror.example/debian/ bookworm',
    'http://mirror.example/debian/ bookworm-updates',
    'http://mirror.example/debian-security/ bookworm-security',
  ];

  assert.deepEqual(mirrorsFrom(lines.join('\n')), {
    main: 'http://mirror.example/debian',
    security: 'http://mirror.example/debian-security',
  });
});

it('does not take a repository that is not Debian for a mirror', () => {
  const lines = 'https://packages.example/node_24.x nodistro\nhttp://mirror.example/debian/ bookworm\n';

  assert.equal(mirrorsFrom(lines).main, 'http://mirror.example/debian');
});

it('finds security updates beside the rest, and says when apt knows no Debian at all', () => {
  assert.equal(mirrorsFrom('http://mirror.example/debian bookworm').security, 'http://mirror.example/debian-security');
  assert.throws(() => mirrorsFrom(''), { code: 'engine_unavailable' });
});

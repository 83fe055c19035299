import assert from 'node:assert/strict';
import { it } from 'node:test';
import { registryContainerArguments, registryContainerName } from './registry-container.ts';

const place = {
  configFile: '/data/registry/config.yml',
  config: 'version: 0.1',
  storageDir: '/data/registry/images',
  certificateFile: '/data/registry-keys/token.crt',
  host: '127.0.0.1',
  port: 5000,
};

it('runs the registry on loopback, as the user, and lets it write nothing but images', () => {
  const name = registryContainerName('/data');
  const args = registryContainerArguments(name, 'registry:2', place, '1000:1000');

  const text = args.join(' ');
  assert.match(text, /--publish 127\.0\.0\.1:5000:5000/);
  assert.match(text, /--user 1000:1000/);
  assert.match(text, /--restart unless-stopped/);
  assert.deepEqual(args.slice(-2), ['registry:2', '/data/registry/config.yml']);
  const writable = args.filter((it) => it.startsWith('type=bind') && !it.endsWith(',readonly'));
  assert.deepEqual(writable, ['type=bind,source=/data/registry/images,target=/data/registry/images']);
});

it('has another name for another data directory', () => {
  assert.notEqual(registryContainerName('/data'), registryContainerName('/other'));
});

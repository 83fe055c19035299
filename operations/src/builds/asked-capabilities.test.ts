import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BuildSpec } from '@eve/domain';
import { scriptedBuilder, scriptedRegistry } from '../../testing/index.ts';
import { parseManifest } from '../manifests/parse-manifest.ts';
import type { BuilderCapabilities } from '../ports/builder.ts';
import { asksForCapabilities, capabilityNotes, checkAskedCapabilities } from './asked-capabilities.ts';

const { can } = scriptedBuilder(scriptedRegistry());

function check(build: string, spec: Partial<BuildSpec>, over: Partial<BuilderCapabilities>): () => void {
  const { manifest } = parseManifest(`services:\n  web: { build: { context: . ${build} } }\n`);
  const services = Object.values(manifest?.services ?? {});
  const asked = { inputs: null, cache: null, ...spec };
  assert.ok(asksForCapabilities(asked, services));
  return () => checkAskedCapabilities(asked, services, 'buildx', { ...can, ...over });
}

describe('what a build asks of its engine', () => {
  const missing = (message: RegExp) => ({ code: 'engine_capability_missing', message });

  it('is refused by name when the engine cannot do it', () => {
    const poor = { cacheExport: false, multiPlatform: false, limits: false };

    assert.throws(check('', { cache: { to: ['registry'] } }, poor), missing(/cache\.to .*BuildKit 0\.8/));
    assert.throws(
      check('', { inputs: { platforms: ['linux/amd64', 'linux/arm64'] } }, { ...poor, platforms: [] }),
      missing(/web asks for 2 platforms/),
    );
    assert.throws(
      check(', platforms: [linux/arm64]', {}, poor),
      missing(/web asks for linux\/arm64.*for linux\/amd64/),
    );
    assert.throws(check(', resources: { memory: 1Gi }', {}, poor), missing(/web sets build\.resources/));
  });

  it('is granted when the engine can', () => {
    const rich = { cacheExport: true, multiPlatform: true, limits: true };

    check('', { cache: { to: ['registry'] } }, rich)();
    check(', platforms: [linux/amd64, linux/arm64], resources: { cpus: 0.5 }', {}, rich)();
  });

  it('is nothing for an ordinary build, whose engine’s gaps are only noted', () => {
    const { manifest } = parseManifest('services:\n  web: { build: . }\n');

    assert.equal(asksForCapabilities({ inputs: null, cache: null }, Object.values(manifest?.services ?? {})), false);
    assert.deepEqual(capabilityNotes(can), ['engine without attestations, limits (BuildKit 0.8)']);
    assert.deepEqual(capabilityNotes({ ...can, attestations: true, limits: true }), []);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type EnvironmentSettings, environmentRules, noEnvironmentSettings } from './environment.ts';
import type { EnvironmentSetting, Manifest, Service } from './manifest.ts';
import { defaultUpdate, type Strategy } from './strategy.ts';

const canary: Strategy = { kind: 'canary', steps: [{ weight: 10, pauseMs: null }], keepWarmMs: 0 };
const rolling: Strategy = { kind: 'rolling' };
const installation = { stabiliseMs: 10_000 };

function rulesOf({
  settings = {},
  written = {},
  strategy = null,
  update = {},
}: {
  settings?: Partial<EnvironmentSettings>;
  written?: Partial<EnvironmentSetting>;
  strategy?: Strategy | null;
  update?: Partial<Service['update']>;
} = {}) {
  const setting = {
    approval: null,
    autoDeploy: null,
    strategy: null,
    drift: null,
    autoRollback: null,
    stabiliseMs: null,
    ...written,
  };
  const service = { update: { ...defaultUpdate, ...update } };
  // Only the parts that rules are made of.
  const manifest = { strategy, environments: { staging: setting }, services: { web: service } } as unknown as Manifest;
  const environment = { name: 'staging', settings: { ...noEnvironmentSettings, ...settings } };
  return environmentRules(environment, manifest, installation);
}

describe('what counts in an environment', () => {
  it('are the defaults where nobody says anything, also without a manifest', () => {
    const defaults = {
      strategy: { kind: 'blue_green', keepWarmMs: 0 },
      approval: false,
      autoDeploy: false,
      protected: false,
      drift: 'report',
      autoRollback: true,
      stabiliseMs: 10_000,
    };

    const bare = environmentRules({ name: 'staging', settings: noEnvironmentSettings }, null, installation);

    assert.deepEqual([rulesOf(), bare], [defaults, defaults]);
  });

  it('is what the environment itself says, before its part of the manifest, before the manifest as a whole', () => {
    const both = { settings: { strategy: canary }, written: { strategy: rolling } };

    assert.deepEqual(rulesOf(both).strategy, canary);
    assert.deepEqual(rulesOf({ ...both, settings: {} }).strategy, rolling);
    assert.deepEqual(rulesOf({ strategy: canary }).strategy, canary);
  });

  it('lets a setting say no where the manifest says yes', () => {
    const written = { approval: true, autoDeploy: true, autoRollback: true, stabiliseMs: 5_000 };
    const settings = { approval: false, autoDeploy: false, autoRollback: false, stabiliseMs: 0 };

    const { approval, autoDeploy, autoRollback, stabiliseMs } = rulesOf({ settings, written });

    assert.deepEqual([approval, autoDeploy, autoRollback, stabiliseMs], [false, false, false, 0]);
  });

  it('is rolling where a service says how it is updated and nobody chooses', () => {
    assert.equal(rulesOf({ update: { order: 'stop-first' } }).strategy.kind, 'rolling');
    assert.equal(rulesOf({ update: { parallelism: 2 }, strategy: canary }).strategy.kind, 'canary');
    assert.equal(rulesOf().strategy.kind, 'blue_green');
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { manifestJsonSchema } from './schema.ts';

describe('the published JSON Schema', () => {
  const schema = JSON.parse(JSON.stringify(manifestJsonSchema()));

  it('lists the fields of the manifest and refuses others, extensions aside', () => {
    assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
    assert.ok('services' in schema.properties && 'pipelines' in schema.properties);
    assert.equal(schema.additionalProperties, false);
    assert.deepEqual(schema.patternProperties, { '^x[-_]': {} });
    assert.equal(schema.$defs.service.additionalProperties, false);
    assert.notEqual(schema.$defs.action.additionalProperties, false);
  });

  it('marks what has no effect as deprecated, with the reason', () => {
    assert.equal(schema.properties.workflows.deprecated, true);
    assert.match(schema.properties.workflows.description, /^Has no effect: /);
    assert.ok(!('ignored' in schema.properties.workflows));
  });

  it('knows the words of a rollout, and refuses a strategy on a service', () => {
    const { environment, service_eve, deploy, strategy, update_config } = schema.$defs;
    assert.deepEqual(Object.keys(strategy.properties), ['type', 'steps', 'keep_warm']);
    assert.deepEqual(environment.properties.drift.enum, ['report', 'repair']);
    for (const { description } of Object.values<{ description?: string }>(update_config.properties))
      assert.ok(description);
    assert.ok('release_command' in service_eve.properties && 'update_config' in deploy.properties);
    assert.deepEqual(service_eve.properties.strategy.not, {});
  });
});

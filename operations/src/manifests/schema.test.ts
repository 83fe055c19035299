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
});

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { testDatabase } from '../testing/index.ts';
import { recordedInstallation } from './installation.ts';

it('gives every process of a database the id of the first one, also when they start together', async () => {
  await using db = await testDatabase();
  const ids = Array.from({ length: 8 }, (_, at) => `abcde${at}`);

  const given = await Promise.all(ids.map((id) => recordedInstallation(db.pool, id)));

  assert.equal(new Set(given).size, 1);
  assert.ok(ids.includes(given[0] ?? ''));
  assert.equal(await recordedInstallation(db.pool, 'zzzzzz'), given[0]);
});

it('records nothing that is no id', async () => {
  await using db = await testDatabase();

  await assert.rejects(recordedInstallation(db.pool, 'not an id'), /installation_id_check/);
});

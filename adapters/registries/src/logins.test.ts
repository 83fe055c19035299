import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import type { OrganisationId } from '@eve/domain';
import { openLoginKey, registryLogins } from './logins.ts';

const key = randomBytes(32);
const host = '127.0.0.1:5000';
const logins = registryLogins({ key, host });
const expiresAt = new Date('2026-01-01T01:00:00Z');
const at = new Date('2026-01-01T00:00:00Z');
const grant = {
  tenantId: 'org_1' as OrganisationId,
  subject: 'brun_1',
  prefix: 'acme/shop/',
  actions: ['pull', 'push'] as const,
  expiresAt,
};

it('opens with a password what it was issued for', async () => {
  const { username, password, ...rest } = await logins.issue(grant);

  assert.deepEqual(rest, { host });
  const opened = await logins.check(username, password, at);
  assert.deepEqual(opened, { subject: 'brun_1', prefix: 'acme/shop/', actions: ['pull', 'push'] });
});

it('opens nothing once the password expired or its run ended', async () => {
  const { username, password } = await logins.issue(grant);
  const revoking = registryLogins({ key, host, isRevoked: async (subject) => subject === 'brun_1' });

  assert.equal(await logins.check(username, password, expiresAt), null);
  assert.equal(await revoking.check(username, password, at), null);
});

it('opens nothing for another user, another key, a changed password or none', async () => {
  const { username, password } = await logins.issue(grant);
  const [payload = '', signature = ''] = password.split('.');
  const more = Buffer.from(JSON.stringify({ prefix: '', actions: ['push'], expiresAt: 9e15 })).toString('base64url');

  assert.equal(await logins.check('brun_2', password, at), null);
  assert.equal(await registryLogins({ key: randomBytes(32), host }).check(username, password, at), null);
  for (const wrong of ['', '.', payload, `${more}.${signature}`, `${password}.x`, `${payload}.`, 'hunter2']) {
    assert.equal(await logins.check(username, wrong, at), null, wrong);
  }
});

it('makes its key file once, for its user only', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'eve-logins-test-'));
  const path = join(directory, 'login.key');

  const keys = await Promise.all(Array.from({ length: 8 }, () => openLoginKey(path)));

  assert.equal(new Set(keys.map((bytes) => Buffer.from(bytes).toString('hex'))).size, 1);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(directory), ['login.key']);
  await rm(directory, { recursive: true });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eachOnSampleProject, type SampleProject, sampleProject, type TestPlatform } from '../../testing/index.ts';
import type { Caller } from '../caller.ts';
import { deleteSecret } from './delete-secret.ts';
import { listSecrets, listUsableSecrets } from './list-secrets.ts';
import { missingSecrets, suggestSecrets } from './missing-secrets.ts';
import { resolveSecrets } from './resolve-secrets.ts';
import type { SecretPlace } from './secret-place.ts';
import { setSecret } from './set-secret.ts';
import { showSecret } from './show-secret.ts';

let test: TestPlatform;
let shop: SampleProject;
let operator: Caller;
let ofProject: SecretPlace;

const ofOrganisation = { projectId: null };
const ofSystem = { projectId: null, system: true };

eachOnSampleProject((scene) => {
  ({ test, shop } = scene);
  operator = { ...shop.caller, operator: true };
  ofProject = { projectId: shop.project.id };
});

const set = (place: SecretPlace, key: string, value: string, caller = operator) =>
  setSecret(test.platform, caller, { ...place, key, value });
const opened = async (key: string, project = shop.project) =>
  (await resolveSecrets(test.platform, project, [key])).values[key];

describe('secrets', () => {
  it('come from the project, else from the organisation, else from the installation', async () => {
    await set(ofSystem, 'KEY', 'of the installation');
    const first = await opened('KEY');
    await set(ofOrganisation, 'KEY', 'of the organisation');
    const second = await opened('KEY');
    await set(ofProject, 'KEY', 'of the project');
    const third = await opened('KEY');

    await deleteSecret(test.platform, operator, { ...ofProject, key: 'KEY' });
    await deleteSecret(test.platform, operator, { ...ofOrganisation, key: 'KEY' });

    assert.deepEqual([first, second, third], ['of the installation', 'of the organisation', 'of the project']);
    assert.equal(await opened('KEY'), 'of the installation');
    await deleteSecret(test.platform, operator, { ...ofSystem, key: 'KEY' });
    assert.deepEqual(await missingSecrets(test.platform, shop.caller, shop.project.id, ['KEY']), ['KEY']);
  });

  it('of the installation serve every organisation, and only operators set, list or see them', async () => {
    const other = await sampleProject(test, 'other');
    await set(ofSystem, 'SHARED', 'for everybody');

    assert.equal(await opened('SHARED', other.project), 'for everybody');
    assert.deepEqual(await missingSecrets(test.platform, other.caller, other.project.id, ['SHARED']), []);
    const asOther = { ...other.caller, operator: false };
    const about = { ...ofSystem, key: 'SHARED' };
    for (const refused of [
      set(ofSystem, 'SHARED', 'mine', asOther),
      deleteSecret(test.platform, asOther, about),
      showSecret(test.platform, asOther, about),
      listSecrets(test.platform, asOther, ofSystem, { limit: 9 }),
    ]) {
      await assert.rejects(refused, { code: 'caller_forbidden' });
    }
    const seen = { projectId: other.project.id, key: 'SHARED', inherited: true };
    await assert.rejects(showSecret(test.platform, asOther, seen), { code: 'secret_not_found' });
    assert.equal((await showSecret(test.platform, operator, about)).masked, 'for *****body');
  });

  it('make no new version of a value that they have', async () => {
    const first = await set(ofProject, 'KEY', 'same');
    const second = await set(ofProject, 'KEY', 'same');
    const third = await set(ofProject, 'KEY', 'other');

    assert.equal(second.currentVersionId, first.currentVersionId);
    assert.notEqual(third.currentVersionId, first.currentVersionId);
    assert.equal((await test.platform.store.transitions.list(shop.caller.tenantId, first.id)).length, 2);
  });

  it('of another organisation are not there', async () => {
    const other = await sampleProject(test, 'other');
    await set(ofOrganisation, 'KEY', 'ours');

    assert.equal(await opened('KEY', other.project), undefined);
    assert.deepEqual((await listUsableSecrets(test.platform, other.caller, other.project.id, { limit: 9 })).items, []);
    await assert.rejects(showSecret(test.platform, other.caller, { ...ofProject, key: 'KEY' }), {
      code: 'project_not_found',
    });
  });

  it('are listed with the one that wins, those of the installation for operators only', async () => {
    await set(ofSystem, 'A', 'system');
    await set(ofOrganisation, 'A', 'organisation');
    await set(ofProject, 'B', 'project');
    await set(ofSystem, 'C', 'system');
    const listed = async (caller: Caller) =>
      (await listUsableSecrets(test.platform, caller, shop.project.id, { limit: 9 })).items
        .map(({ key, tenantId, projectId, wins }) => [
          key,
          projectId ? 'project' : tenantId ? 'organisation' : 'system',
          wins,
        ])
        .sort();

    assert.deepEqual(await listed(operator), [
      ['A', 'organisation', true],
      ['A', 'system', false],
      ['B', 'project', true],
      ['C', 'system', true],
    ]);
    assert.deepEqual(await listed(shop.caller), [
      ['A', 'organisation', true],
      ['B', 'project', true],
    ]);
    const ofOne = { ...shop.caller, projectId: shop.project.id };
    await assert.rejects(listUsableSecrets(test.platform, ofOne, shop.project.id, { limit: 9 }), {
      code: 'caller_forbidden',
    });
  });

  it('are shown by the scope that counts, not to a token of one project beyond it', async () => {
    await set(ofOrganisation, 'KEY', 'a longer value');
    const about = { ...ofProject, key: 'KEY', inherited: true };

    const { secret, masked } = await showSecret(test.platform, shop.caller, about);

    assert.deepEqual([secret.projectId, masked], [null, 'a lo******alue']);
    const ofOne = { ...shop.caller, projectId: shop.project.id };
    await assert.rejects(showSecret(test.platform, ofOne, about), { code: 'secret_not_found' });
  });

  it('that are missing come with the name that was probably meant', async () => {
    await set(ofOrganisation, 'DATABASE_PASSWORD', 'x');

    const missing = await missingSecrets(test.platform, shop.caller, shop.project.id, ['DATABSE_PASSWORD', 'OTHER']);

    assert.deepEqual(await suggestSecrets(test.platform, shop.caller, shop.project.id, missing), [
      { key: 'DATABSE_PASSWORD', suggestion: 'DATABASE_PASSWORD' },
      { key: 'OTHER', suggestion: null },
    ]);
  });

  it('leave who set and deleted them in the history, and no value', async () => {
    const secret = await set(ofProject, 'KEY', 'hunter2 hunter2');
    await deleteSecret(test.platform, operator, { ...ofProject, key: 'KEY' });

    const acts = await test.platform.store.transitions.list(shop.caller.tenantId, secret.id);

    assert.deepEqual(
      acts.map(({ event, actor }) => [event, actor]),
      [
        ['set', operator.actor],
        ['delete', operator.actor],
      ],
    );
    assert.ok(!JSON.stringify(acts).includes('hunter2'));
  });
});

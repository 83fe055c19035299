import type { SealedValue, SecretVersionId } from '@eve/domain';
import type { MasterKeyName, MasterKeyRecords } from '@eve/operations';
import type { Database } from './connection.ts';
import { json, part, raw } from './sql.ts';

const columns = raw('id, master_key_id, key_version, wrapped_key, nonce, ciphertext');
/** Everything that is sealed. */
const sealed = part`(
  select ${columns} from secret_versions union all select ${columns} from system_secret_versions) as sealed`;

/** What is sealed with which master key. */
export function masterKeys({ sql }: Database): MasterKeyRecords {
  return {
    async lock() {
      await sql`select pg_advisory_xact_lock(hashtextextended('master keys', 0))`;
    },

    names: () => sql<MasterKeyName>`
      select distinct master_key_id as "masterKeyId", key_version as "keyVersion" from ${sealed}`,

    async count({ masterKeyId, keyVersion }) {
      const [row] = await sql<{ count: string }>`
        select count(*) from ${sealed} where master_key_id = ${masterKeyId} and key_version = ${keyVersion}`;
      return Number(row?.count);
    },

    async sealedWith({ masterKeyId, keyVersion }, { after, limit }) {
      const rows = await sql<SealedValue & { id: SecretVersionId }>`
        select id, master_key_id as "masterKeyId", key_version as "keyVersion", wrapped_key as "wrappedKey", nonce,
          ciphertext
        from ${sealed}
        where master_key_id = ${masterKeyId} and key_version = ${keyVersion} and id > ${after ?? ''}
        order by id limit ${limit}`;
      return rows.map(({ id, ...value }) => ({ id, sealed: value }));
    },

    async reseal(versions) {
      const values = json(versions.map(({ id, sealed: value }) => ({ id, ...value })));
      for (const table of ['secret_versions', 'system_secret_versions']) {
        await sql`
          update ${raw(table)} as versions
          set master_key_id = given."masterKeyId", key_version = given."keyVersion", wrapped_key = given."wrappedKey",
            nonce = given.nonce, ciphertext = given.ciphertext
          from jsonb_to_recordset(${values}::jsonb) as given (
            id text, "masterKeyId" text, "keyVersion" integer, "wrappedKey" text, nonce text, ciphertext text)
          where versions.id = given.id`;
      }
    },

    async retire({ masterKeyId, keyVersion }, at) {
      await sql`
        insert into retired_master_keys (master_key_id, key_version, retired_at)
        values (${masterKeyId}, ${keyVersion}, ${at}) on conflict do nothing`;
    },
  };
}

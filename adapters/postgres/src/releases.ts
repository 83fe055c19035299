import { isDeepStrictEqual } from 'node:util';
import {
  imageIdentity,
  type OrganisationId,
  PlatformError,
  type Release,
  type ReleaseBlock,
  type ReleaseId,
} from '@eve/domain';
import type { Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { listed } from './paging.ts';
import { json, nothing, part, raw } from './sql.ts';

const columns = raw(
  'id, tenant_id as "tenantId", project_id as "projectId", git_sha as "gitSha", manifest_hash as "manifestHash", images, build_id as "buildId", version, tag, local, created_by as "createdBy", created_at as "createdAt"',
);

/** An equal one older than so many of the same commit and manifest is not looked for. */
const releasesOfOneCommit = 100;

/** What is frozen: sha, manifest and digests. */
export function releases(database: Database): Records['releases'] {
  const { sql } = database;
  return {
    async insert(release) {
      const { id, tenantId, projectId, gitSha, manifestHash, images, buildId, version, tag, local } = release;
      const inserted = await sql`
        insert into releases (id, tenant_id, project_id, git_sha, manifest_hash, images, digests, build_id, version, tag,
          local, created_by, created_at)
        values (${id}, ${tenantId}, ${projectId}, ${gitSha}, ${manifestHash}, ${json(images)},
          ${json(digestsOf(images))}, ${buildId}, ${version}, ${tag}, ${local}, ${release.createdBy},
          ${release.createdAt})
        on conflict (project_id, tag) do nothing returning id`;
      if (inserted.length === 0) {
        throw new PlatformError('release_tag_taken', `The project has a release ${tag} already.`);
      }
    },

    async get(tenantId, id) {
      const [row] = await sql<Release>`select ${columns} from releases where id = ${id} and tenant_id = ${tenantId}`;
      if (!row) throw new PlatformError('release_not_found', `There is no release ${id}.`);
      return row;
    },

    async findByTag(tenantId, projectId, tag) {
      const [row] = await sql<Release>`
        select ${columns} from releases where tenant_id = ${tenantId} and project_id = ${projectId} and tag = ${tag}`;
      return row ?? null;
    },

    findAllByTag: (tenantId, tag) => sql<Release>`
      select ${columns} from releases where tenant_id = ${tenantId} and tag = ${tag} order by id desc`,

    async findEqual({ tenantId, projectId, gitSha, manifestHash, images }) {
      const rows = await sql<Release>`
        select ${columns} from releases
        where tenant_id = ${tenantId} and project_id = ${projectId} and manifest_hash = ${manifestHash}
          and git_sha is not distinct from ${gitSha}
        order by tag is null, id desc limit ${releasesOfOneCommit}`;
      const wanted = identitiesOf(images);
      return rows.find((row) => isDeepStrictEqual(identitiesOf(row.images), wanted)) ?? null;
    },

    versions: (tenantId, projectId) => sql<{ version: string; gitSha: string | null }>`
      select version, git_sha as "gitSha" from releases
      where tenant_id = ${tenantId} and project_id = ${projectId} and version is not null order by id`,

    list: (tenantId, projectId, { gitSha, version, tag, buildId, blocked, since, ...page }) =>
      listed(database, {
        columns,
        table: raw('releases'),
        where: part`tenant_id = ${tenantId} and project_id = ${projectId}
          ${gitSha === undefined ? nothing : part`and starts_with(git_sha, ${gitSha})`}
          ${version === undefined ? nothing : part`and version = ${version}`}
          ${tag === undefined ? nothing : part`and tag = ${tag}`}
          ${buildId === undefined ? nothing : part`and build_id = ${buildId}`}
          ${since === undefined ? nothing : part`and created_at >= ${since}`}
          ${
            blocked === undefined
              ? nothing
              : part`and ${blocked} = exists (select from release_blocks where release_id = releases.id)`
          }`,
        page,
      }),

    async block(tenantId, { releaseId, reason, blockedBy, blockedAt }) {
      const written = await sql`
        insert into release_blocks (tenant_id, project_id, release_id, reason, blocked_by, blocked_at)
        select tenant_id, project_id, id, ${reason}, ${blockedBy}, ${blockedAt}::timestamptz
        from releases where id = ${releaseId} and tenant_id = ${tenantId}
        on conflict (release_id) do update
          set reason = excluded.reason, blocked_by = excluded.blocked_by, blocked_at = excluded.blocked_at
        returning release_id`;
      if (written.length === 0) throw new PlatformError('release_not_found', `There is no release ${releaseId}.`);
    },

    async unblock(tenantId, id) {
      return (
        (await sql`delete from release_blocks where release_id = ${id} and tenant_id = ${tenantId} returning 1`)
          .length > 0
      );
    },

    blocks: (tenantId, ids) => sql<ReleaseBlock>`
      select release_id as "releaseId", reason, blocked_by as "blockedBy", blocked_at as "blockedAt"
      from release_blocks where tenant_id = ${tenantId} and release_id = any(${ids}::text[])`,

    delete: (tenantId, id) => database.transaction((inside) => deleteRelease(inside, tenantId, id)),

    async lockVersions(projectId) {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`versions of ${projectId}`}, 0))`;
    },
  };
}

/** Inside a transaction: the lock on the release's row keeps new revisions of it away until it is gone. */
async function deleteRelease({ sql }: Database, tenantId: OrganisationId, id: ReleaseId): Promise<void> {
  const [release] = await sql<{ name: string }>`
    select coalesce(tag, id) as name from releases where id = ${id} and tenant_id = ${tenantId} for update`;
  if (!release) throw new PlatformError('release_not_found', `There is no release ${id}.`);
  const users = await sql<{ name: string; runs: boolean }>`
    select environments.name, bool_or(revisions.id = current_revision_id) as runs
    from revisions join environments on environments.id = environment_id
    where release_id = ${id} group by environments.name order by runs desc, environments.name`;
  if (users.length > 0) throw inUse(release.name, users);
  const [run] = await sql<{ id: string }>`
    select id from pipeline_runs
    where tenant_id = ${tenantId} and completed_at is null
      and (inputs ->> 'release_id' = ${id}
        or exists (select from steps where run_id = pipeline_runs.id and output ->> 'release_id' = ${id}))
    limit 1`;
  if (run) {
    throw new PlatformError(
      'release_in_use',
      `Release ${release.name} stays: the pipeline run ${run.id} is about to deploy it.`,
    );
  }
  await sql`select set_config('eve.allow_delete', 'on', true)`;
  await sql`delete from releases where id = ${id}`;
  await sql`select set_config('eve.allow_delete', 'off', true)`;
}

function inUse(release: string, users: readonly { name: string; runs: boolean }[]): PlatformError {
  const named = (runs: boolean) => users.filter((user) => user.runs === runs).map(({ name }) => name);
  const [running, past] = [named(true), named(false)];
  const why = [
    ...(running.length > 0 ? [`it runs in ${running.join(', ')}`] : []),
    ...(past.length > 0 ? [`it is in the history of ${past.join(', ')}`] : []),
  ];
  return new PlatformError('release_in_use', `Release ${release} stays: ${why.join(' and ')}.`);
}

function identitiesOf(images: Release['images']): Record<string, string> {
  return Object.fromEntries(Object.entries(images).map(([service, image]) => [service, imageIdentity(image)]));
}

function digestsOf(images: Release['images']): Record<string, string> {
  return Object.fromEntries(Object.entries(images).map(([service, { digest }]) => [service, digest]));
}

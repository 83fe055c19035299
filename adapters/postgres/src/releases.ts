import { isDeepStrictEqual } from 'node:util';
import { imageIdentity, PlatformError, type Release } from '@eve/domain';
import type { Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { listed } from './paging.ts';
import { json, part, raw } from './sql.ts';

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

    async versions(tenantId, projectId) {
      const rows = await sql<{ version: string }>`
        select version from releases
        where tenant_id = ${tenantId} and project_id = ${projectId} and version is not null order by id`;
      return rows.map(({ version }) => version);
    },

    list: (tenantId, projectId, page) =>
      listed(database, {
        columns,
        table: raw('releases'),
        where: part`tenant_id = ${tenantId} and project_id = ${projectId}`,
        page,
      }),

    async lockVersions(projectId) {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`versions of ${projectId}`}, 0))`;
    },
  };
}

function identitiesOf(images: Release['images']): Record<string, string> {
  return Object.fromEntries(Object.entries(images).map(([service, image]) => [service, imageIdentity(image)]));
}

function digestsOf(images: Release['images']): Record<string, string> {
  return Object.fromEntries(Object.entries(images).map(([service, { digest }]) => [service, digest]));
}

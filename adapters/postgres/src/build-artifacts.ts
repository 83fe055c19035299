import type { ArtifactDigests, BuildArtifact } from '@eve/domain';
import type { Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { json, part, raw } from './sql.ts';
import { changedMeanwhile, writeUnderLease } from './state-change.ts';

const columns = raw(
  [
    'id, tenant_id as "tenantId", project_id as "projectId", build_id as "buildId", run_id as "runId"',
    'service_name as "serviceName", registry, repository, tags, digest, platform_digests as "platformDigests", platforms',
    'size_bytes as "sizeBytes", provenance_ref as "provenanceRef", sbom_ref as "sbomRef", created_at as "createdAt"',
  ].join(', '),
);

type Row = Omit<BuildArtifact, 'image' | 'digests'> & {
  registry: string;
  repository: string;
  digest: string;
  platformDigests: ArtifactDigests['platforms'];
};

/** Pushed images, by digest. */
export function buildArtifacts(database: Database): Records['buildArtifacts'] {
  const { sql } = database;
  return {
    async insert(artifact, lease) {
      const { id, tenantId, projectId, buildId, runId, serviceName, image, tags, digests } = artifact;
      const written = await writeUnderLease(
        database,
        lease,
        part`
          insert into build_artifacts (id, tenant_id, project_id, build_id, run_id, service_name, registry, repository,
            tags, digest, platform_digests, platforms, size_bytes, provenance_ref, sbom_ref, created_at)
          select ${id}, ${tenantId}, ${projectId}, ${buildId}, ${runId}, ${serviceName}, ${image.registry},
            ${image.repository}, ${tags}::text[], ${digests.digest}, ${json(digests.platforms)}::jsonb,
            ${artifact.platforms}::text[], ${artifact.sizeBytes}::bigint, ${artifact.provenanceRef},
            ${artifact.sbomRef}, ${artifact.createdAt}::timestamptz
          from held on conflict (run_id, service_name) do nothing returning 1`,
      );
      if (written > 0) return;
      const [stored] = await sql<{ digest: string }>`
        select digest from build_artifacts where run_id = ${runId} and service_name = ${serviceName}`;
      if (stored && stored.digest !== digests.digest) {
        throw changedMeanwhile('build_run', runId, `its artifact of ${serviceName} has another digest`);
      }
    },

    async listOfRun(tenantId, runId) {
      const rows = await sql<Row>`
        select ${columns} from build_artifacts where tenant_id = ${tenantId} and run_id = ${runId}
        order by service_name`;
      return rows.map(toArtifact);
    },

    async listOfBuild(tenantId, buildId) {
      const rows = await sql<Row>`
        select ${columns} from build_artifacts
        where tenant_id = ${tenantId} and run_id = (
          select id from build_runs
          where tenant_id = ${tenantId} and build_id = ${buildId} and status = 'completed' and verifies is null
          order by id desc limit 1)
        order by service_name`;
      return rows.map(toArtifact);
    },

    async findComplete(tenantId, projectId, gitSha, manifestHash) {
      const rows = await sql<Row>`
        select ${columns} from build_artifacts
        where tenant_id = ${tenantId} and run_id = (
          select build_runs.id from build_runs join build_specs on build_specs.id = build_id
          where build_specs.tenant_id = ${tenantId} and build_specs.project_id = ${projectId}
            and git_sha = ${gitSha} and manifest_hash = ${manifestHash} and status = 'completed'
            and verifies is null
          order by build_runs.id desc limit 1)
        order by service_name`;
      const [first] = rows;
      return first ? { buildId: first.buildId, artifacts: rows.map(toArtifact) } : null;
    },

    async named(tenantId, projectId, digests) {
      const rows = await sql<{ digest: string }>`
        select asked.digest from unnest(${digests}::text[]) as asked (digest)
        where exists (
            select from build_artifacts as kept
            where kept.tenant_id = ${tenantId} and kept.project_id = ${projectId} and kept.digest = asked.digest)
          or exists (
            select from releases
            where tenant_id = ${tenantId} and project_id = ${projectId}
              and jsonb_path_query_array(digests, '$.*') ? asked.digest)`;
      return rows.map(({ digest }) => digest);
    },

    async findByTag(tenantId, projectId, tag) {
      const rows = await sql<Row>`
        select distinct on (service_name) ${columns} from build_artifacts
        where tenant_id = ${tenantId} and project_id = ${projectId} and tags @> ${[tag]}::text[]
        order by service_name, id desc`;
      return rows.map(toArtifact);
    },

    async tagsBeginning(tenantId, projectId, beginning) {
      const rows = await sql<{ tag: string }>`
        select distinct tag from build_artifacts cross join unnest(tags) as tag
        where tenant_id = ${tenantId} and project_id = ${projectId} and starts_with(tag, ${beginning})
        order by tag limit 10`;
      return rows.map(({ tag }) => tag);
    },
  };
}

function toArtifact({ registry, repository, digest, platformDigests, ...row }: Row): BuildArtifact {
  return { ...row, image: { registry, repository }, digests: { digest, platforms: platformDigests } };
}

import type { Drift, Environment } from '@eve/domain';
import type { BoardDeploy, BoardRecord, BoardRelease, Records } from '@eve/operations';
import type { Database } from './connection.ts';
import { readDrift } from './drifts.ts';
import { paged } from './paging.ts';
import { readEnvironment } from './read-environment.ts';
import { nothing, part, raw } from './sql.ts';

/** A row as the statement gives it: what came as JSON has its times as text. */
type Row = Omit<BoardRecord, 'environment' | 'release' | 'active' | 'waiting' | 'drift' | 'newest'> & {
  readonly environment: Environment;
  readonly release: BoardRelease | null;
  readonly active: BoardDeploy | null;
  readonly waiting: BoardDeploy | null;
  readonly drift: Drift | null;
  readonly newest: BoardRelease | null;
};

const environmentJson = raw(`jsonb_build_object('id', e.id, 'tenantId', e.tenant_id, 'projectId', e.project_id,
  'name', e.name, 'kind', e.kind, 'status', e.status, 'suspendedReason', e.suspended_reason, 'settings', e.settings,
  'lock', e.lock, 'currentRevisionId', e.current_revision_id, 'lastDeployId', e.last_deploy_id,
  'createdAt', e.created_at)`);
const releaseJson = raw(`jsonb_build_object('id', id, 'tag', tag, 'version', version, 'gitSha', git_sha,
  'createdAt', created_at)`);
const deployJson = raw(`jsonb_build_object('id', id, 'status', status, 'phase', phase, 'cause', cause,
  'createdBy', created_by, 'createdAt', created_at, 'startedAt', started_at, 'canary', canary)`);
const driftJson = raw(`jsonb_build_object('id', id, 'tenantId', tenant_id, 'projectId', project_id,
  'environmentId', environment_id, 'revisionId', revision_id, 'differences', differences, 'detectedAt', detected_at,
  'seenAt', seen_at, 'clearedAt', cleared_at, 'repairDeployId', repair_deploy_id)`);
/** How far it is counted what an environment does not have yet. */
const countedReleases = raw('100');

/** Environments with what runs in them, in one statement. */
export function board(database: Database): Records['environments']['board'] {
  const { sql } = database;
  return async (tenantId, { projectId, environmentId }, page) => {
    const { items, nextCursor } = await paged<Row>(
      page,
      ({ before, count, offset }) => sql<Row>`
        select e.id, ${environmentJson} as environment, p.slug as "projectSlug", r.number as "revisionNumber",
          released.release, serving.since, serving.by, active.deploy as active, waiting.deploy as waiting,
          lasting.drift, newest.release as newest, younger.count as behind
        from (
          select * from environments
          where tenant_id = ${tenantId} ${projectId === undefined ? nothing : part`and project_id = ${projectId}`}
            ${environmentId === undefined ? nothing : part`and id = ${environmentId}`}
            ${before === null ? nothing : part`and id < ${before}`}
          order by id desc limit ${count} offset ${offset}
        ) e
        join projects p on p.id = e.project_id
        left join revisions r on r.id = e.current_revision_id
        left join lateral (
          select id, ${releaseJson} as release from releases where id = r.release_id
        ) released on true
        left join lateral (
          select completed_at as since, created_by as by from deploys
          where revision_id = r.id and completed_at is not null order by status = 'healthy' desc, id limit 1
        ) serving on true
        left join lateral (
          select ${deployJson} as deploy from deploys where environment_id = e.id and status = 'deploying'
        ) active on true
        left join lateral (
          select ${deployJson} as deploy from deploys
          where environment_id = e.id and status in ('pending', 'awaiting_approval') order by id desc limit 1
        ) waiting on true
        left join lateral (
          select ${driftJson} as drift from drifts where environment_id = e.id and cleared_at is null
        ) lasting on true
        left join lateral (
          select ${releaseJson} as release from releases
          where ${mayRunHere} order by id desc limit 1
        ) newest on true
        left join lateral (
          select count(*) as count from (
            select from releases where ${mayRunHere} limit ${countedReleases}
          ) counted
        ) younger on true
        order by e.id desc`,
    );
    return { items: items.map(readRow), nextCursor };
  };
}

const mayRunHere = part`tenant_id = e.tenant_id and project_id = e.project_id and id > coalesce(released.id, '') and not local
  and (tag is not null or not coalesce((e.settings ->> 'protected')::boolean, false))
  and not exists (select from release_blocks where release_id = releases.id)
  and not exists (
    select from revisions served join deploys on deploys.revision_id = served.id
    where served.release_id = releases.id and served.environment_id = e.id
      and deploys.status = 'healthy'
  )`;

function readRow({ environment, release, active, waiting, drift, newest, ...row }: Row): BoardRecord {
  return {
    ...row,
    environment: readEnvironment({ ...environment, createdAt: new Date(environment.createdAt) }),
    release: release && { ...release, createdAt: new Date(release.createdAt) },
    active: active && readDeploy(active),
    waiting: waiting && readDeploy(waiting),
    drift: drift && readDrift(drift),
    newest: newest && { ...newest, createdAt: new Date(newest.createdAt) },
  };
}

function readDeploy({ createdAt, startedAt, canary, ...deploy }: BoardDeploy): BoardDeploy {
  return {
    ...deploy,
    createdAt: new Date(createdAt),
    startedAt: startedAt && new Date(startedAt),
    canary: canary && { ...canary, since: new Date(canary.since) },
  };
}

import type { QueueRecords, Records, Store } from '@eve/operations';
import { addresses } from './addresses.ts';
import { buildArtifacts } from './build-artifacts.ts';
import { buildRuns } from './build-runs.ts';
import { buildSpecs } from './build-specs.ts';
import { buildSteps } from './build-steps.ts';
import type { Database } from './connection.ts';
import { deploys } from './deploys.ts';
import { drifts } from './drifts.ts';
import { endpoints } from './endpoints.ts';
import { configVersions, environments, revisions } from './environments.ts';
import { idempotency } from './idempotency.ts';
import { instanceLogs } from './instance-logs.ts';
import { locks } from './locks.ts';
import { manifests } from './manifests.ts';
import { masterKeys } from './master-keys.ts';
import { organisations, projects, tokens } from './organisations.ts';
import { pipelineRuns } from './pipeline-runs.ts';
import { releases } from './releases.ts';
import { retention } from './retention.ts';
import { secrets } from './secrets.ts';
import { transitions } from './transitions.ts';

/** All records of the installation in PostgreSQL. */
export function postgresStore(database: Database, queueRecords: (database: Database) => QueueRecords): Store {
  return {
    ...postgresRecords(database, queueRecords),
    transaction: (act) => database.transaction((inside) => act(postgresRecords(inside, queueRecords))),
    async ping() {
      await database.sql`select 1`;
    },
  };
}

function postgresRecords(database: Database, queueRecords: (database: Database) => QueueRecords): Records {
  return {
    organisations: organisations(database),
    projects: projects(database),
    tokens: tokens(database),
    manifests: manifests(database),
    secrets: secrets(database),
    masterKeys: masterKeys(database),
    buildSpecs: buildSpecs(database),
    buildRuns: buildRuns(database),
    buildSteps: buildSteps(database),
    buildArtifacts: buildArtifacts(database),
    releases: releases(database),
    environments: environments(database),
    configVersions: configVersions(database),
    revisions: revisions(database),
    deploys: deploys(database),
    endpoints: endpoints(database),
    addresses: addresses(database),
    drifts: drifts(database),
    instanceLogs: instanceLogs(database),
    pipelineRuns: pipelineRuns(database),
    transitions: transitions(database),
    idempotency: idempotency(database),
    retention: retention(database),
    locks: locks(database),
    queue: queueRecords(database),
  };
}

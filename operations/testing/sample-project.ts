import { randomBytes } from 'node:crypto';
import type { BuildRun, BuildSpec, Organisation, Project } from '@eve/domain';
import { createBuild } from '../src/builds/create-build.ts';
import { startBuildRun } from '../src/builds/start-build-run.ts';
import type { Caller } from '../src/caller.ts';
import { syncManifest } from '../src/manifests/sync-manifest.ts';
import { createOrganisation } from '../src/organisations/create-organisation.ts';
import { createProject } from '../src/projects/create-project.ts';
import { setSecret } from '../src/secrets/set-secret.ts';
import type { TestPlatform } from './platform.ts';
import type { Files } from './scripted-source.ts';

/** Two services that are built: `web` has a port and is reached from outside, `jobs` has none. */
export const sampleManifest = `services:
  web:
    build: { context: web }
    ports: ["8000"]
    environment: { GREETING: hello }
  jobs:
    build: { context: jobs }
`;

/** A commit with its synced manifest. */
export interface Commit {
  readonly gitSha: string;
  readonly manifestHash: string;
}

/** A project with its organisation and somebody who may everything in it. */
export interface SampleProject {
  readonly organisation: Organisation;
  readonly project: Project;
  readonly caller: Caller;
  /** Makes a commit with this manifest on top of the one before, syncs it and puts its files into the source. */
  commit(manifest?: string, files?: Files, message?: string): Promise<Commit>;
  secret(key: string, value: string): Promise<void>;
  /** A spec of a commit and a started run of it. */
  build(commit: Commit, over?: Partial<Parameters<typeof createBuild>[3]>): Promise<{ spec: BuildSpec; run: BuildRun }>;
  /** As build, worked to its end. */
  built(commit: Commit, over?: Partial<Parameters<typeof createBuild>[3]>): Promise<{ spec: BuildSpec; run: BuildRun }>;
}

/** Makes an organisation with a project. */
export async function sampleProject(test: TestPlatform, name = 'acme'): Promise<SampleProject> {
  const { platform, source } = test;
  const system: Caller = { actor: 'system', tenantId: 'org_none', scopes: ['admin'], projectId: null, operator: true };
  const organisation = await createOrganisation(platform, system, { name });
  const caller: Caller = { ...system, actor: 'token:sample', tenantId: organisation.id, operator: false };
  const repoUrl = 'https://git.example/acme/shop';
  const project = await createProject(platform, caller, { name: 'Shop', slug: 'shop', repoUrl });

  let head: string | null = null;
  const sample: SampleProject = {
    organisation,
    project,
    caller,
    async commit(yaml = sampleManifest, files = {}, message = 'fix: sample') {
      const gitSha = randomBytes(20).toString('hex');
      const { record } = await syncManifest(platform, caller, project.id, { yaml, gitSha });
      const dockerfiles = { 'web/Dockerfile': 'FROM scratch', 'jobs/Dockerfile': 'FROM scratch' };
      source.history[gitSha] = { message, parent: head };
      head = gitSha;
      source.trees[gitSha] = { '.eve/manifest.yaml': yaml, ...dockerfiles, ...files };
      return { gitSha, manifestHash: record.hash };
    },
    async secret(key, value) {
      await setSecret(platform, caller, { projectId: project.id, key, value });
    },
    async build(commit, over = {}) {
      const spec = await createBuild(platform, caller, project.id, { ...commit, ...over });
      return { spec, run: await startBuildRun(platform, caller, { buildId: spec.id }) };
    },
    async built(commit, over) {
      const { spec, run } = await sample.build(commit, over);
      await test.work();
      return { spec, run: await platform.store.buildRuns.get(run.tenantId, run.id) };
    },
  };
  return sample;
}

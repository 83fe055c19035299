import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { furnish, manifestYaml, type RealApi, realApi, type Tenant } from '../testing/real.ts';
import type { LogEvent } from './client.ts';
import * as contract from './contract/index.ts';

describe('the client, with the real operations', () => {
  let api: RealApi;
  let tenant: Tenant;
  let thing: Awaited<ReturnType<typeof furnish>>;

  before(async () => {
    api = await realApi();
    tenant = await api.tenant('acme');
    thing = await furnish(api, tenant);
  });
  after(() => api[Symbol.asyncDispose]());

  it('reads everything in the contract’s shape', async () => {
    const { client } = tenant;
    const { projectId, buildId, runId, deployId, pipelineRunId } = thing;

    contract.Me.strict().parse(await client.me());
    contract.Project.strict().parse(await client.getProject('shop'));
    const latest = contract.Manifest.strict().parse(await client.latestManifest(projectId));
    assert.deepEqual(await client.latestManifest(projectId, { git_sha: latest.git_sha ?? undefined }), latest);
    assert.equal(await client.latestManifest(projectId, { git_sha: 'f'.repeat(40) }), null);
    contract.BuildSpec.strict().parse(await client.getBuild(buildId));
    contract.BuildRun.strict().parse(await client.getBuildRun(buildId, runId));
    contract.BuildDiagnosis.strict().parse(await client.diagnoseBuild(buildId));
    contract.ReleaseDetail.strict().parse(await client.getRelease('v1', projectId));
    contract.DeployDetail.strict().parse(await client.getDeploy(deployId));
    contract.pageOf(contract.DeployDetail.strict()).parse(await client.listProjectDeploys(projectId));
    contract.NewestConfiguration.strict().parse(await client.getConfiguration(projectId, 'test'));
    contract.ConfigVersion.strict().parse(await client.getConfigVersion(projectId, 'test', 1));
    contract.ConfigDiff.strict().parse(await client.compareConfigurations(projectId, 'test', { from: 0, to: 1 }));
    const change = await client.setConfiguration(projectId, 'test', { set: { A: '1' }, deploy: false });
    contract.SetConfigurationAnswer.strict().parse(change);
    contract.PipelineRunDetail.strict().parse(await client.getPipelineRun(pipelineRunId));
    contract.EnvironmentStatus.strict().parse(await client.environmentStatus(projectId, 'test'));
    contract.EventPage.strict().parse(await client.listEvents());
    contract.pageOf(contract.Deploy.strict()).parse(await client.listDeploys(projectId, 'test'));
    contract.pageOf(contract.RevisionEntry.strict()).parse(await client.listRevisions(projectId, 'test'));
    contract.pageOf(contract.Pipeline.strict()).parse(await client.listPipelines(projectId));
    contract.ShownSecret.strict().parse(await client.showSecret({ project: projectId }, 'PASSWORD'));
    contract.Secret.strict().parse((await client.listSecrets({ organisation: 'acme' })).data[0]);
    contract
      .pageOf(contract.Secret.strict())
      .parse(await client.listSecrets({ project: projectId }, { inherited: true }));
  });

  it('pages through a list by cursor without a gap or a double', async () => {
    const { client } = tenant;
    for (const name of ['One', 'Two', 'Three', 'Four']) await client.createProject({ name });

    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { data, pagination } = await client.listProjects({ limit: 2, ...(cursor && { cursor }) });
      seen.push(...data.map(({ name }) => name));
      cursor = pagination.next_cursor ?? undefined;
    } while (cursor);

    assert.deepEqual(seen, ['Four', 'Three', 'Two', 'One', 'Shop']);
    await assert.rejects(client.listProjects({ cursor: 'nonsense' }), { status: 400, code: 'request_invalid' });
  });

  it('shows where a manifest is wrong', async () => {
    const yaml = manifestYaml.replace('context: .', 'contexts: [');

    await assert.rejects(tenant.client.syncManifest(thing.projectId, { yaml }), (error: unknown) => {
      const { status, code, details } = error as { status: number; code: string; details: contract.ErrorDetail[] };
      assert.deepEqual([status, code], [400, 'manifest_invalid']);
      assert.ok(details[0]?.line);
      return true;
    });
  });

  it('follows a run from waiting to its end, over the real log', async () => {
    const { client } = tenant;
    const { id: runId } = await client.startBuildRun(thing.buildId);
    const events: LogEvent[] = [];

    for await (const event of client.followBuildLogs(thing.buildId, { runId })) {
      events.push(event);
      if (events.length === 1) {
        const line = {
          at: new Date(),
          attempt: 1,
          service: null,
          step: 'clone',
          stream: 'platform',
          level: 'info',
          code: null,
        } as const;
        await api.logs.append({ tenantId: tenant.organisation.id, id: runId }, [{ ...line, text: 'Cloning' }], null);
      }
      if (event.type === 'log' && event.line.message === 'Cloning')
        await client.cancelBuild(thing.buildId, { run_id: runId });
    }

    assert.equal(events[0]?.type === 'state' && events[0].subject_id, runId);
    assert.ok(events.some((event) => event.type === 'log' && event.line.message === 'Cloning'));
    assert.deepEqual(events.at(-1), { type: 'end', state: 'cancelled', error: null });
    await assert.rejects(client.cancelBuild(thing.buildId, { run_id: runId }), { status: 409, code: 'build_finished' });
    assert.deepEqual(api.failures, []);
  });
});

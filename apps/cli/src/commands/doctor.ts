import { ApiError } from '@eve/protocol-rest/client';
import { command, text } from '../command.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError } from '../failure.ts';
import { openRepository } from '../git.ts';
import { shortSha } from '../output/text.ts';
import { reportOf } from '../report.ts';
import { versionOfCli } from '../version.ts';

interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly found: string;
  readonly advice: string | null;
}

type Finding = Omit<Check, 'name' | 'state'> & { readonly state?: Check['state'] };

export const doctor = command({
  name: 'doctor',
  summary: 'check server, token, project, repository, manifest and secrets, and say what to do',
  options: { repoDir: text('<path>', 'the working copy (this directory)') },

  async run(context, { repoDir }) {
    const checks: Check[] = [];
    const directory = repoDir ?? context.directory;
    for await (const check of allChecks(context, directory)) {
      checks.push(check);
      if (!context.json) linesOf(context, check).forEach(context.print);
    }
    const failed = checks.filter(({ state }) => state === 'failed').length;
    if (context.json) context.print(JSON.stringify({ ok: failed === 0, checks }));
    else
      context.print(
        failed === 0 ? 'Everything that was checked is fine.' : `${failed} of ${checks.length} checks failed.`,
      );
    return failed === 0 ? exitCodes.done : exitCodes.failed;
  },
});

function linesOf({ style }: Context, { name, state, found, advice }: Check): string[] {
  const mark = { ok: style.green('ok  '), warning: style.yellow('warn'), failed: style.red('fail') }[state];
  return [`${mark}  ${name.padEnd(10)}  ${found}`, ...(advice ? [`                  → ${advice}`] : [])];
}

async function* allChecks(context: Context, directory: string): AsyncGenerator<Check> {
  const { api, server } = context;
  const version = await checked('server', async () => {
    const { status, database, build } = await api.health();
    const other = build.version === versionOfCli() ? '' : `; this command is ${versionOfCli()}`;
    return status === 'ok'
      ? { found: `${server.url} answers (by ${server.from}), version ${build.version}${other}`, advice: null }
      : {
          state: 'failed',
          found: `${server.url} is ${status}, its database ${database}`,
          advice: 'Look at the log of the server.',
        };
  });
  yield version;
  if (version.state === 'failed') return;
  const token = await checked('token', async () => {
    const me = await api.me();
    const weak = !me.scopes.some((scope) => scope === 'deploy' || scope === 'admin');
    const found = `${me.actor} may ${me.scopes.join(', ')}`;
    return weak
      ? { state: 'warning', found, advice: 'It cannot deploy: make one that can with `eve token create`.' }
      : { found, advice: null };
  });
  yield token;
  if (token.state === 'failed') return;
  let project: string | undefined;
  let branch = 'main';
  yield await checked('project', async () => {
    const asked = context.project(directory).then((named) => api.getProject(named));
    const found = await asked.catch((error: unknown) => {
      if (error instanceof UsageError || (error instanceof ApiError && error.code === 'project_not_found')) return null;
      throw error;
    });
    if (found === null)
      return {
        state: 'failed',
        found: 'this directory belongs to no project of this server',
        advice: 'Make one with `eve project create --repo .`, or name one that is there with --project.',
      };
    project = found.id;
    branch = found.branch;
    return { found: `${found.slug} (${found.id}), repository ${found.repo_url ?? 'none'}`, advice: null };
  });
  if (project === undefined) return;
  yield await checkRepository(context, project, branch);
  yield* checkManifest(context, project, directory);
  yield await checkEnvironments(context, project);
}

async function checkRepository({ api }: Context, project: string, branch: string): Promise<Check> {
  return checked('repository', async () => {
    const { repo_url: url } = await api.getProject(project);
    if (url === null)
      return {
        state: 'warning',
        found: 'the project has none',
        advice: 'Deploy with --repo-dir, or set one: eve project update --repo <url>',
      };
    const { git_sha: sha } = await api.resolveRef(project, branch);
    return { found: `the server reads ${branch} at ${shortSha(sha)}`, advice: null };
  });
}

async function* checkManifest({ api }: Context, project: string, directory: string): AsyncGenerator<Check> {
  const repository = await openRepository(directory).catch(() => null);
  let yaml: string | null = null;
  yield await checked('manifest', async () => {
    const sha = repository ? await repository.commitOf('HEAD') : null;
    if (repository && sha !== null) yaml = await repository.manifestAt(sha);
    const latest = yaml === null ? await api.latestManifest(project) : null;
    yaml ??= latest?.yaml ?? null;
    if (yaml === null)
      return {
        state: 'failed',
        found: 'none was synced',
        advice: 'Write one with `eve init`, commit it, run `eve project sync`.',
      };
    const { valid, errors, warnings } = await api.validateManifest(project, { manifest_yaml: yaml });
    const [first] = errors;
    const from = repository ? `of HEAD (${shortSha(sha)})` : 'synced last';
    if (!valid)
      return {
        state: 'failed',
        found: `${from}: ${first?.line ?? 1}:${first?.column ?? 1} ${first?.message}`,
        advice: 'See all with `eve manifest validate`.',
      };
    return { found: `${from} is valid${warnings.length > 0 ? `, ${warnings.length} warnings` : ''}`, advice: null };
  });
  if (yaml === null) return;
  yield await checked('secrets', async () => {
    const { missing } = await api.validateSecrets(project, { manifest_yaml: yaml ?? '' });
    const names = missing.map(({ key }) => key);
    return names.length === 0
      ? { found: 'all that the manifest names are set', advice: null }
      : { state: 'failed', found: `missing: ${names.join(', ')}`, advice: `eve secrets set ${names[0]} -` };
  });
}

async function checkEnvironments({ api }: Context, project: string): Promise<Check> {
  return checked('running', async () => {
    const { data } = await api.listEnvironments(project, { limit: 100 });
    const deployed = data.filter(
      ({ current_revision_id: revision, status }) => revision !== null && status === 'active',
    );
    const states = await Promise.all(deployed.map(({ name }) => api.environmentStatus(project, name)));
    const ill = states.find(({ status }) => status === 'degraded');
    if (ill)
      return { state: 'failed', found: `${ill.env_name} is ${ill.status}`, advice: `eve env status ${ill.env_name}` };
    return {
      found: states.map(({ env_name: name, status }) => `${name} ${status}`).join(', ') || 'nothing is deployed yet',
      advice: null,
    };
  });
}

async function checked(name: string, find: () => Promise<Finding>): Promise<Check> {
  try {
    return { name, state: 'ok', ...(await find()) };
  } catch (error) {
    const { lines } = reportOf(error);
    const [first = '', ...rest] = lines;
    if (error instanceof ApiError && error.status > 0)
      return { name, state: 'failed', found: error.message, advice: first };
    return { name, state: 'failed', found: first, advice: rest[0] ?? null };
  }
}

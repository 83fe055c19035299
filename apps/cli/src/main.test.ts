import assert from 'node:assert/strict';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { git, repositoryWith } from '../testing/repository.ts';
import { runEve, scratch } from '../testing/run-eve.ts';
import { pageOf, project, release, spec } from '../testing/samples.ts';
import { problem, scriptedServer } from '../testing/server.ts';

const me = {
  auth_enabled: true,
  authenticated: true,
  actor: 'token:ci',
  org_id: project.org_id,
  project_id: null,
  scopes: ['admin'],
  is_admin: false,
};
const secret = {
  id: 'secr_1',
  scope_type: 'project',
  scope_id: project.id,
  key: 'PASSWORD',
  created_at: spec.created_at,
  updated_at: spec.created_at,
  used_by: [],
};

describe('the command eve', () => {
  it('shows its help and its version', async () => {
    const help = await runEve(['--help']);
    const version = await runEve(['--version']);
    const group = await runEve(['build']);

    assert.equal(help.code, 0);
    assert.match(help.stdout, /^Usage: eve <command> \[options\]/);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    assert.equal(group.code, 2);
    assert.match(group.stderr, /logs <build-id>/);
  });

  it('says what was meant when a command or option is misspelt', async () => {
    const typo = await runEve(['biuld']);
    const option = await runEve(['build', 'logs', 'x', '--folow']);
    const missing = await runEve(['build', 'logs']);

    assert.deepEqual([typo.code, option.code, missing.code], [2, 2, 2]);
    assert.match(typo.stderr, /Did you mean build\?/);
    assert.match(option.stderr, /Did you mean --follow\?/);
    assert.match(missing.stderr, /Missing required argument 'build-id'/);
  });

  it('says what to do when no server is known, or none answers', async () => {
    const unknown = await runEve(['project', 'list']);
    const silent = await runEve(['project', 'list'], { url: 'http://127.0.0.1:1' });

    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /^No Eve server is known here\.\n.*eve auth login/);
    assert.equal(silent.code, 75);
    assert.match(silent.stderr, /^Cannot reach http:\/\/127\.0\.0\.1:1/);
  });

  for (const [status, code, exitCode] of [
    [400, 'request_invalid', 2],
    [401, 'unauthenticated', 3],
    [403, 'caller_forbidden', 3],
    [404, 'project_not_found', 3],
    [409, 'project_exists', 4],
    [429, 'rate_limited', 75],
    [503, 'database_unavailable', 75],
    [500, 'internal_error', 1],
  ] as const) {
    it(`exits ${exitCode} when the server answers ${status}`, async () => {
      await using server = await scriptedServer({
        'GET /projects': (_request, reply) => problem(reply, status, code, 'No.'),
      });

      const told = await runEve(['project', 'list'], server);
      const scripted = await runEve(['project', 'list', '--json'], server);

      assert.equal(told.code, exitCode);
      assert.match(told.stderr, new RegExp(`\nHTTP ${status}: while calling GET /projects: No\\.\n`));
      const { error } = JSON.parse(scripted.stderr) as { error: Record<string, unknown> };
      assert.deepEqual([error.code, error.status, error.exit_code, error.path], [code, status, exitCode, '/projects']);
    });
  }

  it('says of a suspended or protected environment no more than is true of every command', async () => {
    let code = 'environment_suspended';
    await using server = await scriptedServer({
      'GET /projects': (_request, reply) => problem(reply, 409, code, 'No.'),
    });

    const suspended = await runEve(['project', 'list'], server);
    code = 'environment_protected';
    const kept = await runEve(['project', 'list'], server);

    assert.match(suspended.stderr, /^Nothing is deployed there until it is resumed\.\n/);
    assert.match(kept.stderr, /^That environment is protected\.\n/);
  });

  it('prints nothing of what others wrote that a terminal would obey, nor where it fails', async () => {
    const hostile = 'Shop\u001b]0;title\u0007\u001b[2J';
    await using server = await scriptedServer({
      'GET /projects': pageOf({ ...project, slug: hostile }),
      'GET /orgs': (_request, reply) => problem(reply, 409, 'environment_suspended', `Suspended (${hostile}).`),
    });

    const listed = await runEve(['project', 'list'], server);
    const refused = await runEve(['org', 'list'], server);

    assert.match(listed.stdout, /Shop/);
    assert.match(refused.stderr, /Suspended \(Shop\)\./);
    assert.ok(!`${listed.stdout}${refused.stderr}`.includes('\u001b'));
  });

  it('finds a local server by its credentials, and sends its token nowhere else', async () => {
    await using place = await scratch();
    await using local = await scriptedServer({ 'GET /projects': pageOf(project) });
    await using other = await scriptedServer({ 'GET /projects': pageOf() });
    await writeFile(join(place.path, 'credentials.json'), JSON.stringify({ url: local.url, token: 'eve_local' }));

    const env = { EVE_DATA_DIR: place.path };
    const { stdout } = await runEve(['project', 'list'], { env });
    await runEve(['project', 'list', '--api-url', other.url], { env });

    assert.match(stdout, /shop +proj_/);
    assert.deepEqual([local.asked[0]?.token, other.asked[0]?.token], ['eve_local', undefined]);
  });

  it('keeps a login readable by its owner alone and uses it from then on', async () => {
    await using place = await scratch();
    await using server = await scriptedServer({ 'GET /auth/me': me, 'GET /projects': pageOf() });

    const env = { XDG_CONFIG_HOME: place.path };
    const login = await runEve(['auth', 'login', '--api-url', server.url], { env, input: 'eve_typed\n' });
    const list = await runEve(['project', 'list'], { env });

    assert.equal(login.code, 0, login.stderr);
    assert.equal((await stat(join(place.path, 'eve', 'profiles.json'))).mode & 0o777, 0o600);
    assert.equal(list.stdout, 'No projects found.\n');
    assert.equal(server.asked.at(-1)?.token, 'eve_typed');
  });

  it('notes the project of a repository where git does not see it, and finds it from below', async () => {
    await using place = await scratch();
    await repositoryWith(place.path, { 'deep/a': 'a' });
    await using server = await scriptedServer({ 'POST /projects': project, 'GET /projects/:id/builds': pageOf(spec) });

    const made = await runEve(['project', 'create', '--repo', '.'], { ...server, cwd: place.path });
    await runEve(['build', 'list'], { ...server, cwd: join(place.path, 'deep') });

    assert.equal(made.code, 0, made.stderr);
    assert.equal((server.asked[0]?.body as { repo_url: string } | undefined)?.repo_url, place.path);
    assert.equal(await git(place.path, 'status', '--porcelain'), '');
    assert.match(server.asked[1]?.url ?? '', new RegExp(`^/projects/${project.id}/builds`));
  });

  it('takes the project from the name in a manifest', async () => {
    await using place = await scratch();
    await mkdir(join(place.path, '.eve'));
    await writeFile(join(place.path, '.eve', 'manifest.yaml'), 'name: shop\n');
    await using server = await scriptedServer({ 'GET /releases/:tag': release });

    const { stdout } = await runEve(['release', 'resolve', 'v1.0.0'], { ...server, cwd: place.path });

    assert.equal(server.asked[0]?.url, '/releases/v1.0.0?project_id=shop');
    assert.match(
      stdout,
      /^Release v1\.0\.0\n {2}ID: +rel_\w+\n {2}Tag: +v1\.0\.0\n {2}SHA: +a1b2c3d4\n {2}Manifest: +bbbbbbbbbbbb\.\.\.\n {2}Version: +1\.0\.0\n/,
    );
  });

  it('reads a secret from stdin and never prints it', async () => {
    await using server = await scriptedServer({ 'POST /projects/:id/secrets': secret });

    const { code, stdout, stderr } = await runEve(['secrets', 'set', 'PASSWORD', '-', '--project', 'shop'], {
      ...server,
      input: 'hunter2\n',
    });

    assert.equal(code, 0);
    assert.deepEqual(server.asked[0]?.body, { key: 'PASSWORD', value: 'hunter2' });
    assert.ok(!`${stdout}${stderr}`.includes('hunter2'));
  });

  it('takes a secret as an argument, as the reference prints it', async () => {
    await using server = await scriptedServer({ 'POST /projects/:id/secrets': secret });

    await runEve(['secrets', 'set', 'PASSWORD', 'your-token', '--project', 'shop'], server);

    assert.deepEqual(server.asked[0]?.body, { key: 'PASSWORD', value: 'your-token' });
  });

  it('writes a manifest from a Dockerfile, and does not replace one', async () => {
    await using place = await scratch();
    await repositoryWith(place.path, { Dockerfile: 'FROM scratch\nEXPOSE 8000\n' });

    const first = await runEve(['init', '--name', 'shop'], { cwd: place.path });
    const second = await runEve(['init'], { cwd: place.path });

    assert.equal(first.code, 0, first.stderr);
    assert.match(await readFile(join(place.path, '.eve', 'manifest.yaml'), 'utf8'), /name: shop[\s\S]*8000/);
    assert.equal(second.code, 4);
  });

  it('prints completion scripts that know commands and options', async () => {
    const { stdout } = await runEve(['completion', 'bash']);

    assert.match(stdout, /'env deploy'\) echo '--ref --repo-dir/);
    assert.match(stdout, /complete -o default -F _eve_complete eve/);
  });
});

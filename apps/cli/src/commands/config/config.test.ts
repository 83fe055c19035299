import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ConfigChange, ConfigVersion, SetConfigurationAnswer } from '@eve/protocol-rest/contract';
import { runEve, scratch } from '../../../testing/run-eve.ts';
import { deploy, environment, healthyDeploy, status } from '../../../testing/samples.ts';
import { eventStream, problem, scriptedServer } from '../../../testing/server.ts';

const { id, project_id: project } = environment;
const version: ConfigVersion = {
  id: id.replace('env_', 'cfg_') as ConfigVersion['id'],
  environment_id: id,
  number: 5,
  values: { '*': { KEY: { secret: 'API_KEY' }, A: { plain: '1' } }, web: { NOTE: { plain: 'two\nlines' } } },
  message: 'quieter logs',
  created_by: 'token:ci',
  created_at: '2026-01-02T03:04:05.678Z',
};
const changes: ConfigChange[] = [
  { service: '*', name: 'A', change: 'changed', before: { plain: '0' }, after: { plain: '1' } },
  { service: 'web', name: 'KEY', change: 'added', before: null, after: { secret: 'API_KEY' } },
  { service: '*', name: 'OLD', change: 'removed', before: { plain: 'x' }, after: null },
];
const answer: SetConfigurationAnswer = { version, changes, deploy: null, warnings: [] };
const config = '/projects/:id/environments/:env/config';
const eve = (args: string, url: string, more: { input?: string; cwd?: string } = {}) =>
  runEve([...args.split(' '), '--project', project], { url, ...more });

describe('eve config', () => {
  it('shows the newest configuration, and that another one runs', async () => {
    await using server = await scriptedServer({ [`GET ${config}`]: { ...version, running: 4 } });

    const { stdout, code } = await eve('config list test', server.url);

    assert.equal(code, 0);
    assert.equal(
      stdout,
      `Configuration 5 of test
Service  Name  Value
(all)    A     1
(all)    KEY   secret API_KEY
web      NOTE  "two\\nlines"

What runs has configuration 4. Deploy the newest: eve config apply test
`,
    );
  });

  it('records a change and tells what it changed and what may be a mistake', async () => {
    const warnings = ['The manifest has no service wbe; it has web.'];
    await using server = await scriptedServer({ [`PATCH ${config}`]: { ...answer, warnings } });

    const { stdout, stderr } = await eve(
      'config set test A=1 B=a=b --service wbe --message why --expect 4 --no-deploy',
      server.url,
    );

    assert.deepEqual(server.asked[0]?.body, {
      set: { A: { plain: '1' }, B: { plain: 'a=b' } },
      service: 'wbe',
      message: 'why',
      expected_version: 4,
      deploy: false,
    });
    assert.equal(
      stdout,
      `~ A = 0 → 1
+ web: KEY = secret API_KEY
- OLD = x
Configuration 5 of test recorded.
Nothing was deployed. Bring it to what runs with: eve config apply test
`,
    );
    assert.match(stderr, /no service wbe/);
  });

  it('takes values from a file and from stdin', async () => {
    await using place = await scratch();
    await writeFile(join(place.path, 'a.env'), '# comment\nexport A=1\nB="two words"\n');
    await using server = await scriptedServer({ [`PATCH ${config}`]: answer });
    const given = { cwd: place.path, input: 'line one\nline two\n' };

    await eve('config set test --from-file a.env B=2', server.url, given);
    await eve('config set test BANNER -', server.url, given);
    await eve('config set test KEY=API_KEY --secret', server.url, given);
    const missing = await eve('config set test --from-file none.env', server.url, given);
    const nothing = await eve('config set test', server.url, given);

    assert.deepEqual(
      server.asked.map(({ body }) => body),
      [
        { set: { A: { plain: '1' }, B: { plain: '2' } } },
        { set: { BANNER: { plain: 'line one\nline two' } } },
        { set: { KEY: { secret: 'API_KEY' } } },
      ],
    );
    assert.deepEqual([missing.code, nothing.code], [2, 2]);
    assert.match(missing.stderr, /Cannot read .*none\.env/);
  });

  it('says when nothing was to change', async () => {
    await using server = await scriptedServer({ [`PATCH ${config}`]: { ...answer, changes: [] } });

    const { stdout, code } = await eve('config unset test A', server.url);

    assert.equal(code, 0);
    assert.equal(
      stdout,
      'Nothing to change in the configuration of test: version 5 stays the newest. Nothing was deployed.\n',
    );
  });

  it('ends with 4 where somebody else was faster, in the words of the server', async () => {
    await using server = await scriptedServer({
      [`PATCH ${config}`]: (_request, reply) =>
        problem(reply, 409, 'configuration_changed', 'It is at version 6 since 2 min ago, by token:bob.'),
    });

    const { stderr, code } = await eve('config set test A=1 --expect 5', server.url);

    assert.equal(code, 4);
    assert.match(stderr, /^Somebody else was faster; nothing was changed\.\n.*version 6 since 2 min ago, by token:bob/);
  });

  it('follows the deploy of a change, and after a failure tells the way back', async () => {
    const error = { code: 'health_check_failed', message: 'web never answered.', hint: null };
    const failed = { ...healthyDeploy, status: 'failed', error_message: error.message, error_code: error.code };
    const routes = (end: object) => ({
      [`PATCH ${config}`]: { ...answer, deploy },
      [`GET ${config}`]: { ...version, running: 3 },
      'GET /deploys/:id': end,
      'GET /deploys/:id/logs': (_request: unknown, reply: Parameters<typeof eventStream>[0]) =>
        eventStream(reply, ['end', { state: 'failed', error: null }]),
      'GET /projects/:id/environments/:env/status': status,
    });
    await using good = await scriptedServer(routes(healthyDeploy));
    await using bad = await scriptedServer(routes(failed));

    const served = await eve('config set test A=1', good.url);
    const broken = await eve('config set test A=1', bad.url);

    assert.equal(served.code, 0, served.stderr);
    assert.match(served.stderr, /~ A = 0 → 1\n[\s\S]*Configuration 5 of test recorded/);
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /test goes on with configuration 3\. Version 5 stays the newest/);
    assert.match(broken.stderr, /eve config restore test 3/);
  });

  it('shows a version and the history, restores and applies', async () => {
    const applied = { deploy, changes: 2, secrets: ['API_KEY'], running: true };
    await using server = await scriptedServer({
      [`GET ${config}/versions/:number`]: version,
      [`GET ${config}/history`]: { data: [version], pagination: { limit: 20, offset: 0, count: 1, next_cursor: null } },
      [`PATCH ${config}`]: answer,
      [`POST ${config}/apply`]: applied,
    });

    const shown = await eve('config show test #5', server.url);
    const history = await eve('config history test', server.url);
    await eve('config restore test 3', server.url);
    const apply = await eve('config apply test --watch false', server.url);
    const wrong = await eve('config show test five', server.url);

    assert.match(shown.stdout, /^#5 {2}2026-01-02 03:04:05 {2}token:ci {2}quieter logs\nService/);
    assert.match(history.stdout, /^#5 .*quieter logs\n {2}Service[\s\S]*Total: 1 version/);
    assert.deepEqual(server.asked.find(({ method }) => method === 'PATCH')?.body, { restore: 3 });
    assert.match(apply.stdout, /^New for test: 2 values of the configuration and the secret API_KEY\.\nDeploy: dep_/);
    assert.equal(wrong.code, 2);
  });

  for (const [args, url] of [
    ['test', '/test/config/diff'],
    ['test 3..5', '/test/config/diff?from=3&to=5'],
    ['test 3', '/test/config/diff?from=3'],
    ['test..prod', '/test/config/diff?to_environment=prod'],
    ['test@3..prod@5', '/test/config/diff?to_environment=prod&from=3&to=5'],
  ] as const) {
    it(`compares ${args}`, async () => {
      const from = {
        environment: 'test',
        version: 3,
        message: 'why',
        created_by: 'token:ci',
        created_at: version.created_at,
      };
      const to = { environment: 'prod', version: null, message: null, created_by: null, created_at: null };
      await using server = await scriptedServer({ [`GET ${config}/diff`]: { from, to, changes } });

      const { stdout, code } = await eve(`config diff ${args}`, server.url);

      assert.equal(code, 0);
      assert.equal(server.asked[0]?.url, `/projects/${project}/environments${url}`);
      assert.equal(
        stdout,
        `From test #3, 2026-01-02 03:04:05 by token:ci: why
To   prod: nothing set
~ A = 0 → 1
+ web: KEY = secret API_KEY
- OLD = x
`,
      );
    });
  }

  it('refuses comparisons that name nothing', async () => {
    for (const args of ['a..b..c', '..b', 'a 1..2..3', 'a..b 3', 'a x']) {
      const { code } = await eve(`config diff ${args}`, 'http://127.0.0.1:9');
      assert.equal(code, 2, args);
    }
  });
});

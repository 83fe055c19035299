import assert from 'node:assert/strict';
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { commit, repositoryWith } from '../../apps/cli/testing/repository.ts';
import { root } from '../../scripts/source-files.ts';
import type { Ground } from './ground.ts';
import { type Ended, type Installation, installation, run, type StartedEve } from './installation.ts';

const program = (text: string) =>
  `require('node:http').createServer((_, answer) => answer.end('${text}')).listen(Number(process.env.PORT));\n`;

const dockerfile = `FROM node:24-slim
WORKDIR /app
COPY server.js .
RUN node --check server.js && echo checked-by-the-build
USER node
EXPOSE 8080
CMD ["node", "server.js"]
`;

const Builds = z.object({ data: z.array(z.object({ id: z.string() })) });
const Run = z.object({
  status: z.string(),
  error_code: z.string().nullable(),
  error: z.object({ step: z.string().nullish(), tail: z.array(z.string()), hint: z.string() }).nullable(),
});

/** What a user does with a repository of their own, by the command line alone. */
export function testOwnRepository(ground: Ground): void {
  describe(`a repository of one’s own, on ${ground.name}`, () => {
    let eve: Installation;
    let started: StartedEve;
    let directory: string;

    before(async () => {
      eve = await installation(await ground.settings());
      started = await eve.start('Eve is ready', '--no-example');
      directory = join(eve.dataDir, 'journey', 'greeting');
      await mkdir(directory, { recursive: true });
      directory = await realpath(directory);
      await repositoryWith(directory, { Dockerfile: dockerfile, 'server.js': program('hello') });
    });
    after(async () => {
      await started?.interrupt();
      await eve?.[Symbol.asyncDispose]();
    });

    function cli(...args: string[]): Promise<Ended> {
      const words = [join(root, 'apps/cli/bin/eve.js'), ...args];
      return run(process.execPath, words, { variables: eve.variables, cwd: directory });
    }

    async function done(...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await cli(...args);
      assert.equal(code, 0, `eve ${args.join(' ')}\n${stdout}\n${stderr}`);
      return stdout;
    }

    async function answer(): Promise<string> {
      const url = await ground.urlOf(await eve.client(), 'greeting', 'test', null);
      return (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
    }

    async function newestBuild(): Promise<string> {
      const { data } = Builds.parse(JSON.parse(await done('build', 'list', '--json')));
      assert.ok(data[0], 'there is a build');
      return data[0].id;
    }

    it('gets a manifest from its Dockerfile', async () => {
      const printed = await done('init');

      assert.match(printed, /\.eve\/manifest\.yaml/);
      await commit(directory, {}, 'Add the manifest');
    });

    it('becomes a project and is deployed', async () => {
      await done('project', 'create', '--repo', '.');
      await done('manifest', 'validate');

      await done('env', 'deploy', 'test', '--ref', 'main', '--repo-dir', '.');

      assert.equal(await answer(), 'hello');
    });

    it('shows what its build printed', async () => {
      const printed = await done('build', 'logs', await newestBuild());

      assert.match(printed, /checked-by-the-build/);
    });

    it('is deployed again when it has changed', async () => {
      await commit(directory, { 'server.js': program('hello again') }, 'Greet again');

      await done('env', 'deploy', 'test', '--ref', 'main', '--repo-dir', '.');

      assert.equal(await answer(), 'hello again');
    });

    it('is told the step and the last lines when its Dockerfile is broken, and what serves goes on', async () => {
      const broken = dockerfile.replace('node --check server.js', 'echo this-went-wrong && false');
      await commit(directory, { Dockerfile: broken }, 'Break the build');

      const { code, stdout, stderr } = await cli('env', 'deploy', 'test', '--ref', 'main', '--repo-dir', '.');

      assert.equal(code, 1, stderr);
      assert.match(stdout + stderr, /Build Error/);
      assert.match(stdout + stderr, /RUN echo this-went-wrong/);
      const build = await newestBuild();
      const { data } = await (await eve.client()).listBuildRuns(build, { limit: 1 });
      const failed = Run.parse(data[0]);
      assert.equal(failed.error_code, 'build_error');
      assert.match(failed.error?.step ?? '', /RUN echo this-went-wrong/);
      assert.match(failed.error?.tail.join('\n') ?? '', /this-went-wrong/);
      assert.equal(await answer(), 'hello again');
    });

    it('goes back to the revision before', async () => {
      await done('env', 'rollback', 'test');

      assert.equal(await answer(), 'hello');
    });
  });
}

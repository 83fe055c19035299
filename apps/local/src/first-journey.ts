import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { eveClient } from '@eve/protocol-rest/client';
import type { Config } from '@eve/server';
import { exampleRepository } from './example.ts';
import { provideBaseImages } from './images.ts';
import { deployCommit, ensureExampleProject, getJson, syncExample, urlsOf } from './journey.ts';
import type { Log } from './run-program.ts';
import type { LocalEve } from './start-local.ts';

/** Takes the bundled example through build, release and deploy, and says where it answers and what to try next. */
export async function firstJourney(eve: LocalEve, config: Config, say: Log, signal: AbortSignal): Promise<void> {
  const { credentials } = eve;
  const api = eveClient(credentials);
  say('\nThis installation has no project yet: taking the example shop through build → release → deploy.');
  await provideBaseImages(eve, config, say, signal);
  const repository = await exampleRepository(join(config.dataDir, 'example', 'shop'));
  const project = await ensureExampleProject(api, repository);
  const commit = await syncExample(api, project, repository, { DB_PASSWORD: randomBytes(12).toString('hex') });
  say(`Deploying commit ${commit.sha.slice(0, 8)} to the environment test …`);
  await deployCommit(api, project, 'test', commit, say);
  const { byName, byPort } = await urlsOf(api, project, 'test', 'web');
  const { version } = await getJson(`${byPort}/version`);
  say(`
The shop is running (version ${version}):
  app   ${byName}
        ${byPort}
  API   ${credentials.url}

Try next:
  npx eve env status test --project shop
  npx eve env logs test web --project shop
  npx eve env deploy staging --ref main --repo-dir ${repository.directory} --project shop`);
}

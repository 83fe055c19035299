import { parseArgs } from 'node:util';
import { MigrationRefused } from '@eve/adapter-postgres';
import { PlatformError } from '@eve/domain';
import { takeConfig, version } from '@eve/server';
import { firstJourney } from './first-journey.ts';
import { provideBaseImages } from './images.ts';
import { once } from './once.ts';
import { startLocal } from './start-local.ts';

const help = `npm start [-- options]

Starts Eve on this machine: what is missing is installed, and a new installation takes the bundled example through
build, release and deploy.

  --yes          install what is missing without asking
  --no-example   leave the example out
  --once         build, release, deploy, change, roll back and check the example in a directory of its own,
                 then stop and remove everything; the last line is a JSON report
  --help         this text

Settings are environment variables: see docs/configuration.md.`;

const say = (line: string) => process.stderr.write(`${line}\n`);
const leaving = new AbortController();

/** Ends by a signal once; a second one ends the process at once. */
function listenToSignals(): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (leaving.signal.aborted) process.exit(130);
      leaving.abort(new Error(`stopped by ${name}`));
    });
  }
}

/** Waits for an act of the first start, or for the signal to leave. Its failure is said, and Eve goes on: all else can be done. */
async function beforeLeaving(act: Promise<void>): Promise<void> {
  const left = new Promise<void>((resolve) =>
    leaving.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  await Promise.race([act, left]).catch((error: unknown) => {
    say(`\nThat did not work: ${error instanceof Error ? error.message : String(error)}`);
    say('Eve runs all the same; the next start tries again while there is no project.');
  });
  act.catch(() => {});
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      yes: { type: 'boolean', default: false },
      once: { type: 'boolean', default: false },
      'no-example': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${help}\n`);
    return 0;
  }
  listenToSignals();
  const config = takeConfig(process.env);
  if (values.once) return once({ config, version, yes: values.yes, say, signal: leaving.signal });

  const eve = await startLocal({ config, version, yes: values.yes, say, signal: leaving.signal });
  try {
    say(`\nEve is ready at ${eve.credentials.url}`);
    if (eve.empty && !values['no-example']) await beforeLeaving(firstJourney(eve, config, say, leaving.signal));
    else if (eve.directory.fresh || config.EVE_BUILDKIT === 'auto')
      await beforeLeaving(provideBaseImages(eve, config, say, leaving.signal));
    if (eve.freshCredentials)
      say(`Token (shown once; kept in ${config.dataDir}/credentials.json): ${eve.credentials.token}`);
    say('\nCtrl-C stops Eve; what is deployed goes on serving.');
    if (!leaving.signal.aborted) await new Promise((resolve) => leaving.signal.addEventListener('abort', resolve));
  } finally {
    say('\nStopping Eve …');
    const keepAlive = setInterval(() => {}, 1_000);
    await eve[Symbol.asyncDispose]();
    clearInterval(keepAlive);
  }
  say(
    'Eve has stopped. Deployed apps, the router, the registry and the engine go on: `npm stop` ends them, `npm start` comes back.',
  );
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const known = error instanceof PlatformError || error instanceof MigrationRefused || leaving.signal.aborted;
  say(error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error));
  if (error instanceof PlatformError) say(`(${error.code})`);
  process.exitCode = leaving.signal.aborted ? 130 : 1;
}
// What is still under way, such as a first deploy, is taken up again by the next start.
process.exit();

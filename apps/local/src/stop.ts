import { parseArgs } from 'node:util';
import { PlatformError } from '@eve/domain';
import { readConfig } from '@eve/server';
import { stopEverything } from './stop-everything.ts';

const say = (line: string) => process.stderr.write(`${line}\n`);

try {
  const { values } = parseArgs({
    options: { volumes: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    process.stdout.write(
      'npm stop [-- --volumes]\n\nStops everything of this installation. With --volumes the data of what was deployed is removed too.\n',
    );
  } else {
    const config = readConfig(process.env);
    const stopped = await stopEverything({ config, say, volumes: values.volumes });
    say(
      stopped
        ? 'Everything of this installation has stopped; `npm start` brings it back.'
        : `There is no installation in ${config.dataDir}.`,
    );
  }
} catch (error) {
  say(error instanceof PlatformError ? error.message : String(error instanceof Error ? error.stack : error));
  process.exitCode = 1;
}

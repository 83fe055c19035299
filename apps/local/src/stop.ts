import { parseArgs } from 'node:util';
import { PlatformError } from '@eve/domain';
import { takeConfig } from '@eve/server';
import { stopEverything } from './stop-everything.ts';
import { stoppedLines } from './stopped-lines.ts';

const say = (line: string) => process.stderr.write(`${line}\n`);

try {
  const { values } = parseArgs({
    options: { volumes: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    process.stdout.write(
      'npm stop [-- --volumes]\n\nStops everything of this installation. With --volumes what was deployed is removed too: its containers, its volumes with\ntheir data, and the engine’s copies of its images.\n',
    );
  } else {
    const config = takeConfig(process.env);
    const stopped = await stopEverything({ config, say, volumes: values.volumes });
    if (stopped) stoppedLines(stopped, values.volumes).forEach(say);
    else say(`There is no installation in ${config.dataDir}.`);
  }
} catch (error) {
  say(error instanceof PlatformError ? error.message : String(error instanceof Error ? error.stack : error));
  process.exitCode = 1;
}

// Plain JavaScript that any Node from 20 on understands: installs the npm packages when they are missing, then goes on under Node 24.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Runs a TypeScript file of this checkout, in this process when its Node can, else in a Node 24 from the npm packages. */
export async function withNode24(file, args) {
  const main = join(root, file);
  if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) {
    process.stderr.write('Installing the npm packages …\n');
    const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] });
    if (status !== 0) process.exit(status ?? 1);
  }

  if (Number(process.versions.node.split('.')[0]) >= 24) {
    process.argv = [process.argv[0], main, ...args];
    await import(main);
    return;
  }
  const packageFile = createRequire(join(root, 'package.json')).resolve(`node-linux-${process.arch}/package.json`);
  const child = spawn(join(dirname(packageFile), 'bin', 'node'), [...process.execArgv, main, ...args], {
    stdio: 'inherit',
  });
  // A terminal gives Ctrl-C to the child as well; the other signals come to this process alone.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
  }
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 130 : 1)));
}

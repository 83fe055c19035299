// Plain JavaScript that any Node from 20 on understands: installs the npm packages when they are missing, then goes on under Node 24.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const main = join(root, 'apps', 'local', 'src', process.argv[2] === '--stop' ? 'stop.ts' : 'main.ts');
const args = process.argv.slice(process.argv[2] === '--stop' ? 3 : 2);

if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) {
  process.stderr.write('Installing the npm packages …\n');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

if (Number(process.versions.node.split('.')[0]) >= 24) {
  process.argv = [process.argv[0], main, ...args];
  await import(main);
} else {
  const node = join(
    dirname(createRequire(join(root, 'package.json')).resolve(`node-linux-${process.arch}/package.json`)),
    'bin',
    'node',
  );
  const child = spawn(node, [main, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 130 : 1)));
}

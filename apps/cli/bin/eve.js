#!/usr/bin/env node
// Plain JavaScript that any Node from 20 on understands: goes on under Node 24, which runs TypeScript as it is.
import { spawn } from 'node:child_process';
import * as nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const main = join(dirname(fileURLToPath(import.meta.url)), '..', 'src', 'main.ts');

if (Number(process.versions.node.split('.')[0]) >= 24) {
  nodeModule.enableCompileCache?.();
  const { start } = await import(pathToFileURL(main).href);
  await start(process.argv.slice(2));
} else {
  const node = nodeOfThePackages();
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal gives Ctrl-C to the child as well, which says how to come back; whoever signals this process alone does not.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(error.message));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 130 : 1)));
}

function nodeOfThePackages() {
  const name = `node-linux-${process.arch}`;
  try {
    return join(dirname(nodeModule.createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node');
  } catch {
    return fail(
      `it needs Node 24; this is ${process.version} and the npm package ${name} is not installed. Run: npm ci`,
    );
  }
}

function fail(reason) {
  process.stderr.write(`eve cannot start: ${reason}\n`);
  process.exit(1);
}

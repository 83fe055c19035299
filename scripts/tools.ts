// Builds the tools that no package has, from sources pinned by checksum: `node scripts/tools.ts buildkit`.
import { readConfig } from '../apps/server/src/config.ts';
import { ensureBuildkit } from './tools/buildkit.ts';
import { ensureHelm } from './tools/helm.ts';
import { ensureKubernetes } from './tools/kubernetes.ts';
import { ensureS3 } from './tools/s3.ts';

const tools = { buildkit: ensureBuildkit, helm: ensureHelm, kubernetes: ensureKubernetes, s3: ensureS3 };

const [name = '', ...rest] = process.argv.slice(2);
if (!Object.hasOwn(tools, name) || rest.length > 0) {
  process.stderr.write(`Usage: node scripts/tools.ts ${Object.keys(tools).join('|')}\n`);
  process.exit(2);
}
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort(new Error(signal)));
const { cacheDir } = readConfig(process.env);
const directory = await tools[name as keyof typeof tools]({
  cacheDir,
  say: (line) => process.stderr.write(`${line}\n`),
  signal: ending.signal,
});
process.stdout.write(`${directory}\n`);

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A git repository of a bench: a tiny web service, whose version is in a file. */
export interface BenchRepository {
  readonly directory: string;
  /** Writes files, commits them and answers with the commit's id. */
  commit(files: Readonly<Record<string, string>>): Promise<string>;
}

/** Makes an empty repository. */
export async function benchRepository(directory: string): Promise<BenchRepository> {
  await mkdir(directory, { recursive: true });
  const git = async (...args: string[]) => (await run('git', ['-C', directory, ...args], { env: gitVariables })).stdout;
  await git('init', '--quiet', '--initial-branch=main');
  return {
    directory,
    async commit(files) {
      for (const [name, text] of Object.entries(files)) {
        const path = join(directory, name);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, text);
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '--message', 'A change');
      return (await git('rev-parse', 'HEAD')).trim();
    },
  };
}

const gitVariables = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'Bench',
  GIT_AUTHOR_EMAIL: 'bench@localhost',
  GIT_COMMITTER_NAME: 'Bench',
  GIT_COMMITTER_EMAIL: 'bench@localhost',
};

/** The manifest of the tiny service. */
export const manifest = `schema: eve/compose/v2
name: bench
registry: eve
services:
  web:
    build:
      context: .
    ports: [3000]
    stop_grace_period: 5s
    x-eve:
      probes:
        ready: { path: /, interval: 1s, timeout: 2s }
environments:
  test: { stabilise: 0s }
`;

/** The files of the tiny service at a version; it says its version and when it began. */
export function serviceFiles(version: string): Record<string, string> {
  return {
    '.eve/manifest.yaml': manifest,
    'version.txt': version,
    'main.mjs': `import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const version = readFileSync('version.txt', 'utf8');
if (process.env.BROKEN) process.exit(3);
let leaving = false;
const server = createServer((asked, answer) => {
  if (leaving) answer.setHeader('connection', 'close');
  const { pathname, searchParams } = new URL(asked.url, 'http://localhost');
  if (pathname === '/mark') return void answer.end(process.env.MARK);
  if (pathname === '/slow') return void setTimeout(() => answer.end(version), 400);
  if (pathname !== '/stream') return answer.end(version);
  const until = Date.now() + Number(searchParams.get('ms'));
  const ticker = setInterval(() => {
    if (Date.now() < until) return answer.write('.');
    clearInterval(ticker);
    answer.end('end\\n');
  }, 100);
});
server.on('upgrade', (_, socket) => {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n');
  socket.pipe(socket);
});
server.keepAliveTimeout = 70_000;
server.listen(Number(process.env.PORT), '0.0.0.0');
process.on('SIGTERM', () => {
  leaving = true;
  setTimeout(() => server.close(() => process.exit(0)), 1_500);
});
`,
    Dockerfile: `FROM node:24-slim
WORKDIR /app
COPY main.mjs ./
COPY version.txt ./
CMD ["node", "main.mjs"]
`,
  };
}

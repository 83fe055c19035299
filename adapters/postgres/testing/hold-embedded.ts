import { startEmbeddedPostgres } from '../src/embedded.ts';

// Starts an embedded server, says where it is, and does nothing more: a process for tests to kill.

const [dataDir = ''] = process.argv.slice(2);
const { url, pid } = await startEmbeddedPostgres({ dataDir, port: null, log: { info() {}, warn() {}, error() {} } });
process.stdout.write(`${JSON.stringify({ url, pid })}\n`);
setInterval(() => {}, 1_000);

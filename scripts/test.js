// What `npm test` runs: plain JavaScript, so that it starts on a machine that has only Node 20 and npm.
import { withNode24 } from './with-node-24.js';

await withNode24('scripts/test.ts', process.argv.slice(2));

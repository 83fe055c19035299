// What `npm start` and `npm stop` run: plain JavaScript, so that it starts on a machine that has only Node 20 and npm.
import { withNode24 } from '../../../scripts/with-node-24.js';

const stops = process.argv[2] === '--stop';

await withNode24(`apps/local/src/${stops ? 'stop' : 'main'}.ts`, process.argv.slice(stops ? 3 : 2));

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stoppedLines } from './stopped-lines.ts';

describe('what npm stop says', () => {
  it('promises that everything comes back only where nothing was removed', () => {
    assert.deepEqual(stoppedLines({ removed: null }, false), [
      'Everything of this installation has stopped; `npm start` brings it back.',
    ]);
  });

  it('counts what was removed and says how it comes back', () => {
    const said = stoppedLines({ removed: { containers: 4, volumes: 1 } }, true).join('\n');

    assert.match(said, /^Removed: 4 containers of what was deployed and 1 volume with their data\.$/m);
    assert.match(said, /eve env repair <env>/);
  });

  it('says that nothing could be removed without an engine', () => {
    assert.match(stoppedLines({ removed: null }, true).join('\n'), /still there/);
  });
});

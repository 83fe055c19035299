import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { remembered } from './remembered.ts';

describe('what is remembered', () => {
  it('reaches the others although the one that asked first stopped waiting', async () => {
    const answer = Promise.withResolvers<string>();
    let asked = 0;
    const known = remembered(() => {
      asked++;
      return answer.promise;
    });
    const ended = new AbortController();
    const first = known('acme', ended.signal);
    const second = known('acme', new AbortController().signal);

    ended.abort(new Error('cancelled'));
    await assert.rejects(first, /cancelled/);
    answer.resolve('24 CPUs');

    assert.equal(await second, '24 CPUs');
    assert.equal(asked, 1);
  });

  it('is asked again at once after a failure', async () => {
    const answers = [Promise.reject(new Error('away')), Promise.resolve('there')];
    const known = remembered(() => answers.shift() ?? Promise.reject(new Error('asked too often')));

    await assert.rejects(known('acme'), /away/);

    assert.equal(await known('acme'), 'there');
  });
});

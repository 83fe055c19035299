import { setTimeout as sleep } from 'node:timers/promises';

/** Lists the products of the api, trying again when a connection broke because the api was just replaced. */
export function productsFrom(url, { attempts = 4, pauseMs = 100 } = {}) {
  return async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await fetch(`${url}/products`, { signal: AbortSignal.timeout(3_000) });
        if (!answer.ok) throw new Error(`the api answered ${answer.status}`);
        return (await answer.json()).products;
      } catch (error) {
        if (attempt >= attempts) throw error;
        await sleep(pauseMs * attempt);
      }
    }
  };
}

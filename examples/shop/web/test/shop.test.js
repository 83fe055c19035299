import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { it } from 'node:test';
import { productsFrom } from '../src/api.js';
import { createShop } from '../src/shop.js';

const products = [{ id: 1, name: 'Tea & honey', price: '4.50' }];

function shop(listProducts = async () => products) {
  return createShop({ version: '9.9.9', greeting: 'Hello', listProducts });
}

it('shows the greeting, the products and the version', async () => {
  const { statusCode, body } = await shop().inject('/');

  assert.equal(statusCode, 200);
  for (const text of ['Hello', 'Tea &amp; honey', '4.50', 'version 9.9.9']) assert.ok(body.includes(text), text);
});

it('says its version', async () => {
  const answer = await shop().inject('/version');

  assert.deepEqual(answer.json(), { version: '9.9.9', greeting: 'Hello' });
});

it('is ready once the api has answered', async () => {
  let fails = true;
  const app = shop(async () => {
    if (fails) throw new Error('not yet');
    return products;
  });

  assert.equal((await app.inject('/health/ready')).statusCode, 503);
  assert.equal((await app.inject('/health/live')).statusCode, 200);
  fails = false;
  assert.equal((await app.inject('/health/ready')).statusCode, 200);
});

it('asks the api again when a connection breaks', async (t) => {
  let requests = 0;
  const api = createServer((request, response) => {
    requests += 1;
    if (requests === 1) request.socket.destroy();
    else response.end(JSON.stringify({ products }));
  });
  await new Promise((done) => api.listen(0, '127.0.0.1', done));
  t.after(() => api.close());

  const listed = await productsFrom(`http://127.0.0.1:${api.address().port}`, { pauseMs: 1 })();

  assert.deepEqual(listed, products);
});

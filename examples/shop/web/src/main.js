import { readFile } from 'node:fs/promises';
import { productsFrom } from './api.js';
import { createShop } from './shop.js';

const { version } = JSON.parse(await readFile(new URL('../version.json', import.meta.url), 'utf8'));
const shop = createShop({
  version,
  greeting: process.env.GREETING ?? 'Welcome',
  listProducts: productsFrom(process.env.API_URL ?? 'http://api:8000'),
});

await shop.listen({ host: '0.0.0.0', port: Number(process.env.PORT ?? 3000) });
console.log(`shop ${version} listens`);

// Requests that have begun are finished; connections that only wait are closed.
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    await shop.close();
    console.log(`shop ${version} stopped`);
    process.exit(0);
  });
}

import { dockerEngine } from '@eve/adapter-docker';
import { findEngine, urlsOf } from '@eve/local';
import { peekInstallation } from '@eve/server';
import pg from 'pg';
import { z } from 'zod';
import type { Installation } from './installation.ts';

const Containers = z.array(
  z.object({
    Id: z.string(),
    Ports: z.array(z.object({ PrivatePort: z.number(), PublicPort: z.number().optional() })),
  }),
);
const Container = z.object({ Config: z.object({ Env: z.array(z.string()) }) });

/** The address of the example's web service in its environment test. */
export async function shopUrl(eve: Installation): Promise<string> {
  return (await urlsOf(await eve.client(), 'shop', 'test', 'web')).byPort;
}

/** What the shop sells, as its customers see it; null when it does not answer. */
export async function productsAt(url: string): Promise<string | null> {
  return fetch(`${url}/products`, { signal: AbortSignal.timeout(5_000) }).then(
    async (answer) => (answer.ok ? answer.text() : null),
    () => null,
  );
}

/** Puts a product into the shop's own database. */
export async function addProduct({ dataDir }: Installation, name: string): Promise<void> {
  const engine = await findEngine({ dataDir });
  const installation = await peekInstallation(dataDir);
  if (!engine || !installation) throw new Error('The installation has no engine.');
  const docker = dockerEngine({ socketPath: engine.host });
  const filters = JSON.stringify({ label: [`eve.installation=${installation.id}`, 'eve.service=db'] });
  const [container] = Containers.parse(await docker.call('GET', '/containers/json', { query: { filters } }));
  const port = container?.Ports.find(({ PrivatePort }) => PrivatePort === 5432)?.PublicPort;
  if (!container || port === undefined) throw new Error('The shop has no database that can be reached.');
  const { Config } = Container.parse(await docker.call('GET', `/containers/${container.Id}/json`));
  const password = Config.Env.find((it) => it.startsWith('POSTGRES_PASSWORD='))?.slice('POSTGRES_PASSWORD='.length);
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'shop', database: 'shop', password });
  await client.connect();
  try {
    await client.query('insert into products (name, price) values ($1, 1)', [name]);
  } finally {
    await client.end();
  }
}

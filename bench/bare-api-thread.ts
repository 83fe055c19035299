import { parentPort, workerData } from 'node:worker_threads';
import Fastify from 'fastify';
import pg from 'pg';

// The least that could answer: fastify, one named statement, no token, no tenant, no schema.
const { database } = workerData as { database: string }; // as `api-read.ts` gives it
const pool = new pg.Pool({ connectionString: database, max: 10 });
const app = Fastify();

app.get<{ Params: { id: string } }>('/builds/:id', async (request, reply) => {
  const text = `select id, tenant_id, project_id, number, source, target, git_sha, manifest_hash, services, inputs, registry, cache,
    spec_key, created_by, created_at from build_specs where id = $1`;
  const { rows } = await pool.query({ name: 'build', text, values: [request.params.id] });
  return rows[0] ?? reply.code(404).send();
});

parentPort?.postMessage(await app.listen({ host: '127.0.0.1', port: 0 }));

import fastify from 'fastify';
import { page } from './page.js';

/** The shop's web server; everything it needs from outside is given to it. */
export function createShop({ version, greeting, listProducts }) {
  // While it closes it still answers what arrives: the router stops sending before that.
  const app = fastify({ return503OnClosing: false });
  let reachedApi = false;

  app.get('/', async (_request, reply) => reply.type('text/html').send(page({ version, greeting, products: await listProducts() })));
  app.get('/version', async () => ({ version, greeting }));
  app.get('/products', async () => ({ products: await listProducts() }));

  app.get('/health/live', async () => ({ status: 'ok' }));
  app.get('/health/ready', async (_request, reply) => {
    // Once is enough: an api that is being replaced is no reason to take the web away too.
    reachedApi ||= await listProducts().then(() => true, () => false);
    return reply.code(reachedApi ? 200 : 503).send({ status: reachedApi ? 'ok' : 'waiting for the api' });
  });

  app.setErrorHandler((error, _request, reply) => {
    console.error(error);
    return reply.code(502).send({ message: 'The shop cannot reach its products right now.' });
  });
  return app;
}

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BuilderBench } from './builder-workbench.ts';

/** How an engine tells the causes of a failure apart, and what it says one can do. */
export function testFailureCauses(bench: BuilderBench): void {
  const { test, planOf, build } = bench;

  test('says of a COPY without a file what to look at', async () => {
    const { failure } = await build(await planOf({ Dockerfile: 'FROM BASE\nCOPY package.json /\n' }));

    assert.equal(failure?.code, 'build_error');
    assert.match(failure.message, /failed with exit code \d+ at \[.*2\/2\] COPY package\.json/);
    assert.match(failure.hint, /package\.json is not in the build context.*\.dockerignore/);
    assert.equal(failure.retryClass, null);
  });

  test('names the secret that a step asks for and the build was not given', async () => {
    const step = `RUN --mount=type=secret,id=NPM_TOKEN,required=true echo ${Date.now()}`;

    const { failure } = await build(await planOf({ Dockerfile: `FROM BASE\n${step}\n` }));

    assert.equal(failure?.code, 'build_error');
    assert.match(failure.hint, /eve secrets set NPM_TOKEN/);
  });

  test('names the stage that the Dockerfile does not have', async () => {
    const { failure } = await build(await planOf({ Dockerfile: 'FROM BASE AS web\n' }, { target: 'worker' }));

    assert.equal(failure?.phase, 'plan');
    assert.match(failure.hint, /AS worker/);
  });

  test('calls a registry that has had enough of us one to come back to', async () => {
    const server = createServer((_, response) => {
      response.writeHead(429, { 'content-type': 'application/json' });
      response.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}');
    });
    const [address = '', wantedPort] = (bench.engine.ownRegistry ?? '127.0.0.1:0').split(':');
    await new Promise<void>((resolve) => server.listen(Number(wantedPort), address, resolve));
    try {
      const { port } = server.address() as AddressInfo; // it listens on a port
      const { failure } = await build(await planOf({ Dockerfile: `FROM ${address}:${port}/a/b:1\nRUN true\n` }));

      assert.equal(failure?.code, 'registry_error');
      assert.equal(failure.retryClass, 'registry_rate_limit');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('tells a push that found nobody from one that was refused', async () => {
    const files = { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' };
    const closed = `${bench.engine.closedRegistry.host}/a/b:1`;

    const away = await build(await planOf(files, { tags: ['127.0.0.1:9/a/b:1'] }));
    const refused = await build(await planOf(files, { tags: [closed] }));

    assert.deepEqual([away.failure?.phase, away.failure?.retryClass], ['push', 'network']);
    assert.deepEqual([refused.failure?.phase, refused.failure?.retryClass], ['push', null]);
  });
}

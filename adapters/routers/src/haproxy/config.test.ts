import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Route, RoutingTable } from '@eve/operations';
import { listenersOf, renderConfig, tableVersionOf } from './config.ts';
import { parseServersState, serverCommands } from './servers.ts';

const options = { onwardSocket: '/run/eve/onward.sock' };
const route: Route = {
  id: 'env_1/web/3000',
  environmentId: 'env_1',
  place: 'eve-test',
  service: 'web',
  containerPort: 3000,
  host: null,
  protocol: 'http',
  labels: ['web--test--shop'],
  port: 20_000,
  backends: [{ name: 'web-1', host: '10.0.0.2', port: 3000, weight: 50, state: 'serving' }],
};
const table: RoutingTable = { version: 7, domain: 'localhost', httpPort: 8080, routes: [route] };
const withRoute = (change: object): RoutingTable => ({ ...table, routes: [{ ...route, ...change } as Route] });
const withServer = (change: object) => withRoute({ backends: [{ ...route.backends[0], ...change }] });

it('says the version and the listeners that it was rendered with', () => {
  const { text } = renderConfig(table, options);

  assert.equal(tableVersionOf(text), 7);
  assert.deepEqual(listenersOf(text), ['127.0.0.1:8080', '127.0.0.1:20000']);
});

it('has the same structure when only servers or the version differ, another when a listener does', () => {
  const { structure } = renderConfig(table, options);

  assert.equal(
    renderConfig({ ...withServer({ state: 'draining', port: 1 }), version: 8 }, options).structure,
    structure,
  );
  assert.equal(renderConfig(withRoute({ backends: [] }), options).structure, structure);
  assert.notEqual(renderConfig(withRoute({ port: 20_001 }), options).structure, structure);
});

it('leads a host of its own to the same instances as the labels of its domain', () => {
  const { text, structure } = renderConfig(withRoute({ host: 'shop.example.com' }), options);

  const hosts = [...text.matchAll(/use_backend (\S+) if \{ var\(txn\.host\) -m str (\S+) \}/g)].map(
    ([, ...found]) => found,
  );
  assert.deepEqual([...new Set(hosts.map(([, host]) => host))], ['web--test--shop.localhost', 'shop.example.com']);
  assert.equal(new Set(hosts.map(([backend]) => backend)).size, 1);
  assert.notEqual(structure, renderConfig(table, options).structure);
});

for (const [what, bad] of Object.entries({
  'a command in a host': withRoute({ host: 'a } || { always_true' }),
  'a line break in a route': withRoute({ id: 'env_1/web\n  bind *:1/3000' }),
  'a space in a label': withRoute({ labels: ['a } || { always_true'] }),
  'a command in a server name': withServer({ name: 'a; shutdown' }),
  'an option in a host': withServer({ host: '10.0.0.2 backup' }),
  'a port that is none': withServer({ port: 70_000 }),
  'a weight that is none': withServer({ weight: Number.NaN }),
  'a weight that is too much': withServer({ weight: 257 }),
  'a domain with a quote': { ...table, domain: 'local"host' },
})) {
  it(`refuses ${what}`, () => {
    assert.throws(() => renderConfig(bad, options), TypeError);
  });
}

it('adds new servers before it drains and removes old ones, and leaves its own alone', () => {
  const columns = '# be_id be_name srv_id srv_name srv_addr srv_admin_state srv_uweight srv_port';
  const running = parseServersState(
    `1\n${columns}\n2 env_1:web:3000 1 old-1 10.0.0.1 0 100 3000\n3 eve:onward 1 next - 0 1 0\n`,
  );

  const commands = serverCommands(running, new Set(['env_1:web:3000']), table);

  assert.deepEqual(commands, [
    'add server env_1:web:3000/web-1 10.0.0.2:3000 weight 50',
    'enable server env_1:web:3000/web-1',
    'set server env_1:web:3000/old-1 state maint',
    'del server env_1:web:3000/old-1',
  ]);
});

it('has nothing to say when the servers are as wanted', () => {
  const columns = '# be_id be_name srv_id srv_name srv_addr srv_admin_state srv_uweight srv_port';
  const running = parseServersState(`1\n${columns}\n2 env_1:web:3000 1 web-1 10.0.0.2 0 50 3000\n`);

  assert.deepEqual(serverCommands(running, new Set(['env_1:web:3000']), table), []);
});

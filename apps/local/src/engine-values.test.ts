import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mmdebstrapArguments } from './base-image-contexts.ts';
import { baseImageArguments } from './base-images.ts';
import { dockerdArguments, dockerdConfig } from './dockerd-arguments.ts';
import { engineAddress } from './engine-api.ts';
import { engineLayout } from './engine-state.ts';
import { firewallRules } from './firewall.ts';
import { mountsBelow } from './stop-engine.ts';

const network = { block: '10.99.0.0/16', bridgeAddress: '10.99.0.1/24', pool: '10.99.128.0/17' };

describe('the layout of an engine', () => {
  it('keeps everything inside a data directory with a short path', () => {
    assert.equal(engineLayout('/var/lib/eve').socket, '/var/lib/eve/engine/run/docker.sock');
  });

  it('moves sockets elsewhere when their paths would become too long', () => {
    const layout = engineLayout(`/home/${'long/'.repeat(20)}eve`);

    assert.match(layout.socket, /^\/run\/eve-[0-9a-f]{8}\/docker\.sock$/);
    assert.ok(layout.dataRoot.startsWith('/home/'));
  });

  it('gives two data directories different names on the machine, short enough for an interface', () => {
    const [one, other] = [engineLayout('/srv/one'), engineLayout('/srv/other')];

    assert.notEqual(one.bridge, other.bridge);
    assert.notEqual(one.chain, other.chain);
    assert.ok(one.bridge.length <= 15);
  });
});

describe('what dockerd is asked', () => {
  const args = dockerdArguments(engineLayout('/var/lib/eve'), network);

  it('keeps its files, its network and its containers apart from those of other engines', () => {
    for (const name of ['host', 'config-file', 'data-root', 'exec-root', 'pidfile', 'bridge', 'containerd-namespace']) {
      assert.ok(
        args.some((arg) => arg.startsWith(`--${name}=`)),
        name,
      );
    }
    assert.ok(args.includes('--default-address-pool=base=10.99.128.0/17,size=24'));
    assert.ok(args.includes('--iptables=false'));
  });

  it('names the mirror in the configuration that can be read again', () => {
    const config = JSON.parse(dockerdConfig('http://127.0.0.1:5000', true));

    assert.deepEqual(config['registry-mirrors'], ['http://127.0.0.1:5000']);
    assert.equal(config['live-restore'], true);
  });
});

it('drops what goes from one network of an engine to another before it accepts what goes out', () => {
  const rules = firewallRules({ chain: 'EVE-1', block: network.block }).map(({ rule }) => rule.join(' '));

  const dropped = rules.indexOf('-s 10.99.0.0/16 -d 10.99.0.0/16 -j DROP');
  const accepted = rules.indexOf('-s 10.99.0.0/16 -j ACCEPT');
  assert.ok(dropped >= 0 && dropped < accepted);
});

it('finds the mounts inside a directory, innermost first, and no others', () => {
  const table = [
    '20 1 8:1 / / rw - ext4 /dev/vda rw',
    '30 20 8:1 /x /srv/a\\040b/engine/data rw - ext4 /dev/vda rw',
    '31 30 0:40 / /srv/a\\040b/engine/data/overlay2/1/merged rw - overlay overlay rw',
    '32 20 0:41 / /srv/a\\040b/engine-of-another rw - tmpfs tmpfs rw',
  ].join('\n');

  assert.deepEqual(mountsBelow(table, ['/srv/a b/engine']), [
    '/srv/a b/engine/data/overlay2/1/merged',
    '/srv/a b/engine/data',
  ]);
});

it('reads the hosts of engines', () => {
  assert.deepEqual(engineAddress('unix:///run/my%20docker.sock'), { socketPath: '/run/my docker.sock' });
  assert.deepEqual(engineAddress('/run/docker.sock'), { socketPath: '/run/docker.sock' });
  assert.deepEqual(engineAddress('tcp://127.0.0.1:4000'), { host: '127.0.0.1', port: 4000 });
});

describe('base images', () => {
  it('are loaded into the engine under the name that Docker Hub gives them', () => {
    const args = baseImageArguments('node:24-slim', ['NODE_VERSION=24.1.0'], '/tmp/context');

    assert.ok(args.includes('--load') && args.includes('--tag=node:24-slim'));
    assert.ok(args.includes('--build-arg=NODE_VERSION=24.1.0'));
    assert.equal(args.at(-1), '/tmp/context');
  });

  it("are made from the machine's mirrors, security updates included", () => {
    const args = mmdebstrapArguments('/tmp/x.tar', { main: 'http://m/debian', security: 'http://m/debian-security' });

    assert.deepEqual(args.slice(-5), [
      'bookworm',
      '/tmp/x.tar',
      'deb http://m/debian bookworm main',
      'deb http://m/debian bookworm-updates main',
      'deb http://m/debian-security bookworm-security main',
    ]);
  });
});

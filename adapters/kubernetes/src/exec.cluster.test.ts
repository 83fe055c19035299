import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OwnNamespace, ownNamespace, podOnce, runningPod, testCluster, testPod } from '../testing/index.ts';
import { type Cluster, kinds } from './index.ts';

const found = await testCluster();

describe('running a program in a pod', { skip: 'missing' in found && found.missing }, () => {
  let cluster: Cluster;
  let own: OwnNamespace;
  let image: string;
  before(async () => {
    if ('missing' in found) return;
    ({ cluster, baseImage: image } = found);
    own = await ownNamespace(cluster);
    await runningPod(cluster, { namespace: own.name, name: 'box' }, { image, command: ['sleep', '600'] });
  });
  after(() => own[Symbol.asyncDispose]());
  async function run(
    command: readonly string[],
    { input, pod = 'box', container = pod, signal = AbortSignal.timeout(60_000) }: RunOptions = {},
  ) {
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const onOutput = (chunk: Buffer, stream: 'stdout' | 'stderr') => output[stream].push(Buffer.from(chunk));
    const code = await cluster.exec({ namespace: own.name, pod, container }, command, { input, onOutput }, signal);
    return { code, stdout: Buffer.concat(output.stdout), stderr: Buffer.concat(output.stderr) };
  }
  interface RunOptions {
    readonly input?: Readable;
    readonly pod?: string;
    readonly container?: string;
    readonly signal?: AbortSignal;
  }

  it('hands on what it prints, and its exit code', async () => {
    const { code, stdout, stderr } = await run([
      'sh',
      '-c',
      'echo "to $1"; echo wrong >&2; exit 7',
      'sh',
      'you & me; %',
    ]);

    assert.deepEqual([code, stdout.toString(), stderr.toString()], [7, 'to you & me; %\n', 'wrong\n']);
    assert.equal((await run(['true'])).code, 0);
    assert.equal((await run(['sh', '-c', 'kill -9 $$'])).code, 137);
  });

  it('hands in 20 MB and tells where they end', async () => {
    const data = randomBytes(20_000_000);

    const { code, stdout } = await run(['sha256sum'], { input: Readable.from([data]) });

    assert.equal(code, 0);
    assert.equal(stdout.toString().slice(0, 64), createHash('sha256').update(data).digest('hex'));
  });

  it('hands in what comes in small pieces, of a known length', async () => {
    async function* pieces() {
      for (let n = 0; n < 20; n++) {
        yield Buffer.from(`piece ${n}\n`);
        await sleep(5);
      }
    }

    const { stdout } = await run(['head', '-c', '190'], { input: Readable.from(pieces()) });

    assert.equal(stdout.toString().split('\n').length, 21);
  });

  it('hands on much that it prints, whole', async () => {
    const { stdout } = await run(['head', '-c', '20000000', '/dev/zero']);

    assert.equal(stdout.length, 20_000_000);
  });

  it('waits with its input until it is taken', async () => {
    let given = 0;
    const endless = new Readable({
      read() {
        given += 65_536;
        this.push(Buffer.alloc(65_536));
      },
    });
    const enough = new AbortController();
    const running = run(['sleep', '60'], { input: endless, signal: enough.signal });
    // What is on the way fills the buffers between here and there, some tens of megabytes, and then it stands still.
    const end = performance.now() + 40_000;
    for (let before = -1; given > before || given === 0; await sleep(1_500)) {
      assert.ok(performance.now() < end, `${given} bytes were given to a program that reads none`);
      before = given;
    }

    enough.abort(new Error('enough'));
    await assert.rejects(running, /enough/);

    assert.ok(endless.destroyed);
  });

  it('fails as its input fails', async () => {
    async function* failing() {
      yield Buffer.from('begun');
      throw new Error('the source is gone');
    }

    await assert.rejects(run(['cat'], { input: Readable.from(failing()) }), /the source is gone/);
  });

  it('says what there is not', async () => {
    await cluster.create(kinds.Pod, testPod({ namespace: own.name, name: 'done' }, { image, command: ['true'] }));
    await podOnce(cluster, { namespace: own.name, name: 'done' }, ({ status }) => status?.phase === 'Succeeded');

    await assert.rejects(run(['no-such-program']), { refusal: 'invalid', message: /"no-such-program".*not found/ });
    await assert.rejects(run(['true'], { pod: 'missing' }), {
      refusal: 'not_found',
      message: /pods "missing" not found/,
    });
    await assert.rejects(run(['true'], { container: 'other' }), { refusal: 'invalid', message: /other/ });
    await assert.rejects(run(['true'], { pod: 'done' }), {
      refusal: 'not_found',
      message: /the container does not run/,
    });
  });

  it('ends at once with the signal', async () => {
    const began = performance.now();

    await assert.rejects(run(['sleep', '60'], { signal: AbortSignal.timeout(400) }), { name: 'TimeoutError' });
    await assert.rejects(run(['true'], { signal: AbortSignal.abort(new Error('never mind')) }), /never mind/);

    assert.ok(performance.now() - began < 5_000);
  });

  it('breaks off when the pod is killed', async () => {
    await runningPod(cluster, { namespace: own.name, name: 'victim' }, { image, command: ['sleep', '600'] });
    const running = run(['sleep', '600'], { pod: 'victim' });
    await sleep(500);

    await cluster.remove(kinds.Pod, { name: 'victim', namespace: own.name }, { graceSeconds: 0 });

    // Some runtimes tell that the program was killed, others break the connection.
    const outcome = await running.catch((error: unknown) => error);
    if (outcome instanceof Error) assert.match(outcome.message, /broke|could not run/);
    else assert.equal((outcome as { code: number }).code, 137);
  });
});

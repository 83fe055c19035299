import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createContainer, removeContainer, removeImage, tagImage } from '@eve/adapter-docker';
import { applied, contractPlace } from '../../../../operations/testing/deployer-target.ts';
import { testDockerDeployer } from '../../testing/index.ts';

const never = new AbortController().signal;

it('finds what is left of environments that are gone, and removes nothing else', async (test) => {
  const installation = `test-strays-${process.pid}`;
  const opened = await testDockerDeployer(installation);
  const other = await testDockerDeployer('test-strays-other');
  if ('missing' in opened || 'missing' in other) return test.skip('missing' in opened ? opened.missing : '');
  const { deployer, image } = opened;
  const [gone, kept] = [contractPlace(image), contractPlace(image)];
  try {
    const more = { volumes: [{ name: 'data', path: '/data', readOnly: false }] };
    await applied(deployer, gone.target({ name: 'db', more, variables: { DATA: '/data' } }));
    await applied(deployer, kept.target({ name: 'web' }));

    const found = async () =>
      (await deployer.strays([kept.environmentId])).toSorted(
        (a, b) => a.kind.localeCompare(b.kind) || (a.name < b.name ? -1 : 1),
      );
    const strays = await found();
    const [named] = strays;
    assert.ok(named);
    await other.deployer.removeStray(named, never);
    await deployer.removeStray({ ...named, environmentId: kept.environmentId }, never);
    const untouched = await found();
    for (const stray of strays) await deployer.removeStray(stray, never);

    const { place, environmentId } = gone;
    assert.deepEqual(
      strays.map(({ kind, name }) => `${kind} ${name.replace(/-[0-9a-z]{10}-1$/, '')}`),
      [
        `container ${place}-db`,
        ...[place, `${place}-names`, `${place}-names-2`].map((network) => `network ${network}`),
        `volume ${place}--data`,
      ],
    );
    assert.ok(strays.every((each) => each.environmentId === environmentId && Date.now() - +each.createdAt < 60_000));
    assert.ok((strays.at(-1)?.sizeBytes ?? 0) > 0);
    assert.deepEqual(untouched, strays);
    assert.deepEqual(await deployer.strays([kept.environmentId]), []);
    assert.equal((await deployer.observe(kept.environmentId)).length, 1);
    assert.deepEqual(await other.deployer.strays([]), []);
  } finally {
    for (const { environmentId } of [gone, kept])
      await deployer.removeEnvironment(environmentId, { volumes: true }, never);
  }
});

it('tells which images of its registries it holds, and removes only those that nothing uses', async (test) => {
  const opened = await testDockerDeployer();
  if ('missing' in opened) return test.skip(opened.missing);
  const { deployer, engine, image } = opened;
  const prefix = `registry.invalid:5000/evetest-${process.pid}/`;
  const container = `evetest-images-${process.pid}`;
  const body = { Image: image.image, Cmd: ['sleep', '60'], Entrypoint: [] };
  await createContainer(engine, container, body);
  try {
    // An image of its own, with two names.
    const query = { container, repo: `${prefix}web`, tag: 'one', comment: container };
    await engine.call('POST', '/commit', { query, body: {} });
    await tagImage(engine, `${prefix}web:one`, `${prefix}web`, 'two');
    await tagImage(engine, image.image, `${prefix}shared`, 'one');
    const id = (await deployer.localImage(`${prefix}web:one`))?.id ?? '';
    await removeContainer(engine, container);
    await createContainer(engine, container, { ...body, Image: id });

    const used = await deployer.images([prefix, 'other.invalid/']);
    const removedInUse = await deployer.removeImage(id);
    await removeContainer(engine, container);
    const unused = await deployer.images([prefix]);
    const removed = [await deployer.removeImage(id), await deployer.removeImage(id)];

    const references = [`${prefix}web:one`, `${prefix}web:two`];
    assert.deepEqual(
      [...used, ...unused].map((each) => [each.id, each.references.toSorted(), each.inUse]),
      [
        [id, references, true],
        [id, references, false],
      ],
    );
    assert.ok(used.every((each) => each.sizeBytes > 1_000_000));
    assert.deepEqual([removedInUse, removed], [false, [true, false]]);
    assert.deepEqual(await deployer.images([prefix]), [], 'one that has another name too is left out');
    assert.equal(await deployer.removeImage('node:24-slim'), false);
  } finally {
    await removeContainer(engine, container);
    await removeImage(engine, `${prefix}shared:one`);
  }
});

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { kinds } from '@eve/adapter-kubernetes';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { root } from '../../scripts/source-files.ts';
import { chart, helm, helmProgram } from './eve-installation.ts';

const skip = helmProgram() === null ? 'EVE_TEST_HELM names no Helm' : false;
const needed = {
  publicUrl: 'https://eve.example.com',
  'image.repository': 'registry.example.com/eve',
  'secrets.existingSecret': 'eve',
  'registry.host': 'images.example.com',
  'keys.existingSecret': 'eve-keys',
  'blobs.s3': 's3://eve/blobs',
};

const Rendered = z.object({
  kind: z.string(),
  metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
});
const Pods = z.object({
  spec: z.object({
    template: z.object({
      spec: z.looseObject({
        terminationGracePeriodSeconds: z.number().optional(),
        securityContext: z.looseObject({ runAsNonRoot: z.literal(true) }),
        containers: z.array(
          z.looseObject({
            name: z.string(),
            env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })),
            resources: z.looseObject({ requests: z.looseObject({}), limits: z.looseObject({}) }),
            securityContext: z.looseObject({ readOnlyRootFilesystem: z.literal(true) }),
          }),
        ),
      }),
    }),
  }),
});

function render(values: Readonly<Record<string, string>>): Promise<string> {
  const set = Object.entries(values).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  return helm('template', 'eve', chart, '--namespace', 'eve', ...set);
}

const objectsOf = (text: string) =>
  parseAllDocuments(text)
    .map((document): unknown => document.toJS())
    .filter((it) => it !== null);

async function refusal(values: Readonly<Record<string, string>>): Promise<string> {
  return render(values).then(
    () => 'rendered',
    (error: unknown) => JSON.stringify((error as { readonly output?: unknown }).output ?? String(error)),
  );
}

describe('the chart', { skip }, () => {
  it('passes Helm’s own check', async () => {
    const set = Object.entries(needed).flatMap(([name, value]) => ['--set', `${name}=${value}`]);

    assert.match(await helm('lint', '--strict', chart, ...set), /1 chart\(s\) linted, 0 chart\(s\) failed/);
  });

  it('asks for each value that it cannot guess, by its name', async () => {
    for (const name of Object.keys(needed)) {
      const { [name as keyof typeof needed]: _, ...others } = needed;

      assert.ok((await refusal(others)).includes(`${name}: `), name);
    }
  });

  it('refuses values that it does not know, and those that cannot be', async () => {
    assert.match(await refusal({ ...needed, 'api.replica': '2' }), /additional properties 'replica' not allowed/);
    assert.match(await refusal({ ...needed, publicUrl: 'eve.example.com' }), /publicUrl/);
    assert.match(await refusal({ ...needed, 'registry.replicas': '2' }), /registry\.storage\.type=s3/);
    assert.match(await refusal({ ...needed, 'settings.EVE_WORKER': 'true' }), /settings\.EVE_WORKER: /);
    assert.match(await refusal({ ...needed, 'settings.PATH': '/x' }), /settings/);
  });

  it('runs every process as nobody’s root on a read-only file system with limits, and every secret is a reference', async () => {
    const objects = objectsOf(await render(needed));
    const running = objects.filter((it) => /^(Deployment|Job)$/.test(Rendered.parse(it).kind));

    assert.equal(running.length, 4);
    for (const object of running) {
      const [container] = Pods.parse(object).spec.template.spec.containers;
      const written = container?.env.filter(
        ({ name, value }) => /(SECRET|PASSWORD|KEY|KEY_ID)$|DATABASE/.test(name) && value,
      );
      assert.deepEqual(written, []);
    }
    const kindsHere = objects.map((it) => Rendered.parse(it).kind);
    assert.ok(!kindsHere.includes('Secret'));
  });

  it('migrates in a Job of its own for each image, before Helm changes anything', async () => {
    const jobOf = async (values: Readonly<Record<string, string>>) =>
      objectsOf(await render(values))
        .map((it) => Rendered.parse(it))
        .find(({ kind }) => kind === 'Job')?.metadata;

    const [one, same, other] = await Promise.all([
      jobOf(needed),
      jobOf({ ...needed, 'api.replicas': '5' }),
      jobOf({ ...needed, 'image.tag': '9.9.9' }),
    ]);

    assert.equal(one?.annotations?.['helm.sh/hook'], 'pre-install,pre-upgrade');
    assert.equal(one?.name, same?.name);
    assert.notEqual(one?.name, other?.name);
  });

  it('has each of its values on the page about Kubernetes', async () => {
    const page = await readFile(join(root, 'docs', 'kubernetes.md'), 'utf8');
    const values: unknown = parse(await readFile(join(chart, 'values.yaml'), 'utf8'));
    // What people put into these is Kubernetes' own.
    const whole = /resources$|podDisruptionBudget$/;
    const paths = (value: unknown, path: string): string[] =>
      value !== null &&
      typeof value === 'object' &&
      !Array.isArray(value) &&
      !whole.test(path) &&
      Object.keys(value).length > 0
        ? Object.entries(value).flatMap(([name, each]) => paths(each, path === '' ? name : `${path}.${name}`))
        : [path];

    assert.deepEqual(
      paths(values, '').filter((path) => !page.includes(`\`${path}\``)),
      [],
    );
  });

  it('gives a right on every kind that Eve reads or writes', async () => {
    const rights = await readFile(join(chart, 'rights.txt'), 'utf8');

    const missing = Object.values(kinds)
      .map(({ apiVersion, plural }) => (apiVersion.includes('/') ? `${plural}.${apiVersion.split('/')[0]}` : plural))
      .filter((resource) => !rights.split('\n').some((line) => new RegExp(`^worker +\\w+ +${resource} `).test(line)));

    assert.deepEqual(missing, []);
  });
});

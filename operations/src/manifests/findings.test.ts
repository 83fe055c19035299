import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseManifest } from './parse-manifest.ts';

function withService(lines: string): string {
  return `services:\n  web:\n    image: nginx\n${lines.replace(/^/gm, '    ')}\n`;
}

function errorsOf(yaml: string): string[] {
  return parseManifest(yaml).errors.map(({ path, line, column, message }) => `${line}:${column} ${path}: ${message}`);
}

function warningsOf(yaml: string): string[] {
  return parseManifest(yaml).warnings.map(({ path, line, message }) => `${line} ${path}: ${message}`);
}

describe('a finding', () => {
  for (const [what, yaml, expected] of [
    ['a broken line', 'services:\n  a:\n  - b: c\n d: e\n', /^\d:\d+ .*not valid YAML/],
    [
      'a key that stands twice',
      'services:\n  a: { image: x }\n  a: { image: y }\n',
      /^3:3 : The key `a` stands here twice/,
    ],
    ['a tab', 'services:\n\ta: {}\n', /^2:1 : A tab indents this line/],
    ['a second document', 'services: {}\n---\nservices: {}\n', /: A second document begins here/],
    ['an unknown anchor', 'services: *none\n', /^1:11 services: .*&none/],
    ['nothing', '\n', /^1:1 : The manifest is empty/],
    ['a list', '- a\n', /^1:1 : Write `the manifest` as a mapping/],
    [
      'a service without image and build',
      'services:\n  web:\n    ports: [80]\n',
      /^2:3 services\.web: Service `web` has neither/,
    ],
    ['a wrong name of a service', 'services:\n  Web_: { image: a }\n', /^2:3 services\.Web_: .*lower-case/],
    [
      'an unknown dependency',
      'services:\n  api: { image: a, depends_on: [postgre] }\n  postgres: { image: b }\n',
      /^2:33 .*did you mean `postgres`/,
    ],
    [
      'a circle of services',
      'services:\n  a: { image: x, depends_on: [b] }\n  b: { image: x, depends_on: [a] }\n',
      /^2:3 services\.a: .*a → b → a/,
    ],
    [
      'a circle of steps',
      'pipelines: { p: { steps: [ { name: a, action: build, depends_on: [b] }, { name: b, action: release, depends_on: [a] } ] } }',
      /Steps depend on each other in a circle: a → b → a/,
    ],
    [
      'two steps of one name',
      'pipelines: { p: { steps: [ { name: a, action: build }, { name: a, action: release } ] } }',
      /Two steps are named `a`/,
    ],
    [
      'an unknown step',
      'pipelines: { p: { steps: [ { name: build, action: build }, { name: b, action: release, depends_on: [biuld] } ] } }',
      /no step `biuld`; did you mean `build`/,
    ],
    [
      'an unknown pipeline',
      'environments:\n  test:\n    pipeline: x\n',
      /^3:5 environments\.test\.pipeline: There is no pipeline `x`; the manifest has none/,
    ],
    [
      'an unknown service of an override',
      'environments: { test: { overrides: { services: { x: { environment: { A: 1 } } } } } }',
      /no service `x`/,
    ],
    [
      'another action',
      'pipelines: { p: { steps: [ { action: { type: job } } ] } }',
      /build, release and deploy only; `job`/,
    ],
    [
      'another kind of step',
      'pipelines: { p: { steps: [ { name: t, run: "npm test" } ] } }',
      /build, release and deploy only; `t`/,
    ],
    ['no steps', 'pipelines: { p: { steps: [] } }', /has no steps/],
    [
      'a wrong duration',
      withService('stop_grace_period: soon'),
      /^4:5 services\.web\.stop_grace_period: `soon` is no duration/,
    ],
    ['a wrong size', withService('mem_limit: lots'), /`lots` is no size/],
    ['an open quote', withService("command: 'a \"b'"), /stays open/],
    ['an image with a variable', `services: { a: { image: "x:\${TAG}" } }`, /no name of an image/],
    ['a registry with a scheme', 'registry: { host: "https://ghcr.io" }', /^1:13 registry\.host: .*without https/],
    ['a wrong name of an environment', 'environments: { Prod: {} }', /no name of an environment/],
    ['services that would share a host name', 'services: { a-b: { image: x }, a_b: { image: x } }', /same host name/],
    ['a value that is a map', withService('environment: { A: { b: c } }'), /one value/],
    ['a file that is too large', `# ${'x'.repeat(1024 * 1024)}`, /^1:1 : .*1 MiB/],
    ['a nest that is too deep', '['.repeat(200_000), /nested too deeply|not valid YAML/],
    ['a manifest that merges itself', 'a: &a { <<: *a }\nservices: &s { x: { image: y, <<: *s } }\nx-a: *a\n', /^$|./],
  ] as const) {
    it(`says where and what to do about ${what}`, () => {
      assert.match(errorsOf(yaml).join('\n'), expected);
    });
  }

  it('of an unknown field is a warning with the field that was probably meant', () => {
    assert.deepEqual(warningsOf(withService('enviroment: { A: 1 }')), [
      '4 services.web.enviroment: There is no field `enviroment` under `services.web`; did you mean `environment`?',
    ]);
    assert.match(warningsOf('pipelnes: {}\nservices: { a: { image: b } }').join(), /did you mean `pipelines`/);
    assert.deepEqual(warningsOf('x-anything: 1\nservices: { a: { image: b, x-b: 2 } }'), []);
  });

  it('of a field without effect names it and says why', () => {
    assert.match(
      warningsOf(withService('x-eve: { storage: { size: 3 } }')).join(),
      /^4 .*`storage` has no effect: use `volumes`/,
    );
    assert.match(warningsOf(withService('privileged: true')).join(), /`privileged` has no effect/);
  });

  it('of a variable that nothing fills in is a warning', () => {
    assert.match(
      warningsOf(withService(`environment: { A: "\${HOME_URL}" , B: }`)).join(),
      /`\$\{HOME_URL\}` is nothing that Eve fills in.*`B` has no value/,
    );
    assert.deepEqual(warningsOf(withService(`environment: { A: "\${secret.X} \${ENV_NAME}" }`)), []);
  });

  it('ends a bomb of aliases quickly', () => {
    const levels = Array.from({ length: 30 }, (_, n) => `l${n}: &l${n} [${`*l${n - 1},`.repeat(9)}]`).slice(1);
    const yaml = `l0: &l0 [x]\n${levels.join('\n')}\npipelines: { p: { steps: [ { action: { type: build, with: { a: *l29 } } } ] } }\n`;
    const before = performance.now();

    assert.match(errorsOf(yaml).join(), /too often/);
    assert.ok(performance.now() - before < 2000);
  });
});

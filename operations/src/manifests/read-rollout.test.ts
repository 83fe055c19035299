import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultUpdate, environmentRules, type Manifest } from '@eve/domain';
import { parseManifest } from './parse-manifest.ts';

const web = 'services:\n  web:\n    image: nginx\n';

function manifestOf(yaml: string): Manifest {
  const { manifest, errors, warnings } = parseManifest(yaml);
  assert.deepEqual([errors, warnings], [[], []]);
  assert.ok(manifest);
  return manifest;
}

function errorsOf(yaml: string): string[] {
  return parseManifest(yaml).errors.map(({ path, line, column, message }) => `${line}:${column} ${path}: ${message}`);
}

const serviceOf = (lines: string) => manifestOf(`${web}${lines.replace(/^/gm, '    ')}\n`).services.web;

describe('how replicas are replaced', () => {
  it('is read from the words of Compose', () => {
    const update = serviceOf(
      'deploy: { update_config: { parallelism: 2, delay: 5s, order: stop-first, failure_action: pause, monitor: 20s } }',
    )?.update;

    assert.deepEqual(update, {
      parallelism: 2,
      delayMs: 5000,
      order: 'stop-first',
      failureAction: 'pause',
      monitorMs: 20_000,
    });
  });

  it('is new before old, and back when it fails, where nothing is said', () => {
    assert.deepEqual(serviceOf('deploy: { update_config: { parallelism: 1 } }')?.update, defaultUpdate);
    assert.deepEqual(serviceOf('deploy: { replicas: 2 }')?.update, defaultUpdate);
  });

  it('refuses other words, naming those that there are', () => {
    assert.deepEqual(
      errorsOf(`${web}    deploy:\n      update_config:\n        order: random\n        failure_action: retry\n`),
      [
        '6:9 services.web.deploy.update_config.order: Write `services.web.deploy.update_config.order` as one of: start-first, stop-first.',
        '7:9 services.web.deploy.update_config.failure_action: Write `services.web.deploy.update_config.failure_action` as one of: rollback, pause, continue.',
      ],
    );
    assert.match(errorsOf(`${web}    deploy: { update_config: { parallelism: -1 } }\n`).join(), /from 0 to 100/);
  });
});

describe('a release command', () => {
  for (const [lines, expected] of [
    ['npm run migrate && echo done', { shell: true, command: ['npm run migrate && echo done'], timeoutMs: 600_000 }],
    ['["npm", "run", "migrate"]', { shell: false, command: ['npm', 'run', 'migrate'], timeoutMs: 600_000 }],
    ['{ command: ./migrate, timeout: 1h }', { shell: true, command: ['./migrate'], timeoutMs: 3_600_000 }],
    ['echo "$$URL $URL"', { shell: true, command: ['echo "$URL $URL"'], timeoutMs: 600_000 }],
    ['[echo, $$URL, $URL]', { shell: false, command: ['echo', '$URL', '$URL'], timeoutMs: 600_000 }],
    ['{ command: [./migrate, up] }', { shell: false, command: ['./migrate', 'up'], timeoutMs: 600_000 }],
  ] as const) {
    it(`may be ${lines}`, () =>
      assert.deepEqual(serviceOf(`x-eve: { release_command: ${lines} }`)?.releaseCommand, expected));
  }

  for (const [lines, expected] of [
    ['""', /^4:14 .*This command is empty/],
    ['[]', /This command is empty/],
    ['{ timeout: 5m }', /Write what is run as `command`/],
    ['{ command: x, timeout: 48h }', /from a second to a day/],
    ['{ command: x, timeout: long }', /`long` is no duration/],
  ] as const) {
    it(`is refused as ${lines}`, () =>
      assert.match(errorsOf(`${web}    x-eve: { release_command: ${lines} }\n`).join(), expected));
  }
});

describe('a strategy in a manifest', () => {
  it('is that of the environment, else that at the top', () => {
    const manifest = manifestOf(
      `${web}x-eve: { strategy: rolling }\nenvironments:\n  test:\n  staging: { strategy: "canary:10,50" }\n  prod:\n    strategy:\n      type: canary\n      steps: [{ weight: 10, pause: 5m }, { weight: 50, pause: null }]\n      keep_warm: 10m\n`,
    );

    assert.deepEqual(manifest.strategy, { kind: 'rolling' });
    assert.equal(manifest.environments.test?.strategy, null);
    assert.equal(manifest.environments.staging?.strategy?.kind, 'canary');
    assert.deepEqual(manifest.environments.prod?.strategy, {
      kind: 'canary',
      steps: [
        { weight: 10, pauseMs: 300_000 },
        { weight: 50, pauseMs: null },
      ],
      keepWarmMs: 600_000,
    });
  });

  it('is rolling when a service says how its replicas are replaced and nothing else chooses', () => {
    const rules = (yaml: string) => {
      const settings = { strategy: null, approval: null, autoDeploy: null, protected: null, drift: null };
      const environment = { name: 'test', settings: { ...settings, autoRollback: null, stabiliseMs: null } };
      return environmentRules(environment, manifestOf(yaml), { stabiliseMs: 0 }).strategy.kind;
    };
    const updating = `${web}    deploy: { update_config: { delay: 1s } }\n`;

    assert.equal(rules(web), 'blue_green');
    assert.equal(rules(updating), 'rolling');
    assert.equal(rules(`${updating}x-eve: { strategy: canary }\n`), 'canary');
    assert.equal(rules(`${updating}environments: { test: { strategy: blue-green } }\n`), 'blue_green');
  });

  it('is wrong at the place that is wrong', () => {
    const yaml = `${web}environments:\n  prod:\n    strategy:\n      type: canary\n      steps:\n        - weight: 10\n        - weight: 120\n        - weight: 50\n          pause: never\n`;

    assert.deepEqual(errorsOf(yaml), [
      '10:11 environments.prod.strategy.steps[1]: The weight of a step is a whole number of percents from 1 to 99.',
      '12:11 environments.prod.strategy.steps[2].pause: `never` is no duration; write one such as 30s, 5m or 1h, of at most a week.',
    ]);
    assert.match(
      errorsOf(`${web}x-eve: { strategy: recreate }\n`).join(),
      /^4:10 x-eve\.strategy: `recreate` is no strategy/,
    );
  });

  it('is refused on a service, with where it belongs', () => {
    assert.match(
      errorsOf(`${web}    x-eve: { strategy: canary }\n`).join(),
      /^4:14 services\.web\.x-eve\.strategy: A strategy belongs to a whole deploy, not to `web`; write it as `x-eve\.strategy` at the top/,
    );
  });
});

describe('the rules of an environment', () => {
  it('are read, and null where nothing is said', () => {
    const { environments } = manifestOf(
      `${web}environments:\n  test:\n  prod: { approval: required, auto_deploy: false, drift: repair, auto_rollback: false, stabilise: 30s }\n  dev: { approval: none }\n`,
    );
    const rules = (name: string) => {
      const { approval, autoDeploy, drift, autoRollback, stabiliseMs } = environments[name] ?? {};
      return [approval, autoDeploy, drift, autoRollback, stabiliseMs];
    };

    assert.deepEqual(rules('test'), [null, null, null, null, null]);
    assert.deepEqual(rules('prod'), [true, false, 'repair', false, 30_000]);
    assert.deepEqual(rules('dev'), [false, null, null, null, null]);
  });

  it('refuse other words, naming those that there are', () => {
    assert.match(errorsOf(`${web}environments: { prod: { drift: fix } }\n`).join(), /as one of: report, repair\./);
    assert.match(errorsOf(`${web}environments: { prod: { approval: maybe } }\n`).join(), /as one of: required, none/);
    assert.match(errorsOf(`${web}environments: { prod: { auto_rollback: x } }\n`).join(), /as true or false/);
    assert.match(errorsOf(`${web}environments: { prod: { stabilise: x } }\n`).join(), /`x` is no duration/);
  });
});

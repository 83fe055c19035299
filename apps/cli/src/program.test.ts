import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allCommands } from './commands/all.ts';
import { groups } from './commands/groups.ts';
import { type GlobalOptions, program } from './program.ts';

interface Carried {
  readonly name: string;
  readonly globals: GlobalOptions;
  readonly options: Readonly<Record<string, unknown>>;
  readonly args: readonly unknown[];
}

async function parsed(...args: string[]): Promise<Carried> {
  let carried: Carried | undefined;
  const carry = async (
    { name }: { name: string },
    globals: GlobalOptions,
    options: object,
    given: readonly unknown[],
  ) => {
    carried = { name, globals, options: { ...options }, args: given };
  };
  await program(allCommands, carry).parseAsync(args, { from: 'user' });
  assert.ok(carried);
  return carried;
}

describe('the command line', () => {
  it('takes the options of every command before and after the command', async () => {
    const before = await parsed('--json', '--project', 'shop', 'build', 'list');
    const after = await parsed('build', 'list', '--json', '--project=shop', '--api', 'http://a');

    assert.deepEqual([before.globals.json, before.globals.project], [true, 'shop']);
    assert.deepEqual([after.globals.json, after.globals.project, after.globals.apiUrl], [true, 'shop', 'http://a']);
  });

  it('takes lists by comma and by repetition', async () => {
    const { options } = await parsed('build', 'create', '--services', 'api, web', '--services', 'worker');

    assert.deepEqual(options.services, ['api', 'web', 'worker']);
  });

  it('watches unless told otherwise', async () => {
    const watches = [];
    for (const more of [[], ['--watch'], ['--watch', 'false'], ['--watch=true']]) {
      watches.push((await parsed('env', 'deploy', 'test', ...more)).options.watch);
    }

    assert.deepEqual(watches, [true, true, false, true]);
  });

  it('hands the arguments of local down on as they are', async () => {
    const { name, args } = await parsed('local', 'down', '--volumes', '--data-dir', '/x');

    assert.equal(name, 'local down');
    assert.deepEqual(args, [['--volumes', '--data-dir', '/x']]);
  });

  it('lets a release have a version although --version is the version of eve', async () => {
    const { options } = await parsed('release', 'create', '--build', 'bld_1', '--version', '1.2.3');

    assert.equal(options.version, '1.2.3');
  });

  it('has each command in a known group, once', () => {
    const names = allCommands.map(({ name }) => name);

    assert.equal(new Set(names).size, names.length);
    for (const name of names.filter((each) => each.includes(' '))) assert.ok(groups[name.split(' ')[0] ?? ''], name);
  });
});

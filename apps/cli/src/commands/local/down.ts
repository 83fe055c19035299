import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { command } from '../../command.ts';
import { CommandFailed } from '../../failure.ts';

const program = fileURLToPath(new URL('../../../../local/src/stop.ts', import.meta.url));

export const localDown = command({
  name: 'local down',
  summary: 'stop everything of the Eve on this machine; data stays, volumes too unless --volumes is given',
  arguments: ['[arguments...]'],
  offline: true,
  passThrough: true,

  async run(_context, _options, [args]) {
    if (!existsSync(program))
      throw new CommandFailed('No local Eve belongs to this command.', { code: 'local_missing' });
    const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    return code ?? 130;
  },
});

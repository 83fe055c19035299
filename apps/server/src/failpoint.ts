import type { Failpoint } from '@eve/operations';

/** Ends the process without a goodbye at the named point; nothing happens when none is named. */
export function failpoint(named: string | undefined): (name: Failpoint) => void {
  return (name) => {
    if (name === named) process.kill(process.pid, 'SIGKILL');
  };
}

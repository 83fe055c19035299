import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pickVariables, runProgram } from '@eve/adapter-process';

/** What programs that speak to the cluster are given. They keep caches at home, else in the current directory. */
export const clusterVariables = () => ({
  ...pickVariables(process.env, ['KUBECONFIG', 'PATH', 'TMPDIR']),
  HOME: tmpdir(),
});

/** Runs kubectl on the cluster of the test run; it may read from its standard input. Answers with what it prints. */
export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const { EVE_TEST_CLUSTER: own } = process.env;
  const file = own ? join(own, 'bin', 'kubectl') : 'kubectl';
  return (await runProgram({ file, args, input, env: clusterVariables() })).stdout;
}

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pickVariables, runProgram } from '@eve/adapter-process';

/** Runs kubectl on the cluster of the test run, as a person beside Eve would; answers with what it prints. */
export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const { EVE_TEST_CLUSTER: own } = process.env;
  const file = own ? join(own, 'bin', 'kubectl') : 'kubectl';
  // It keeps a cache at home.
  const env = { ...pickVariables(process.env, ['KUBECONFIG', 'PATH', 'TMPDIR']), HOME: tmpdir() };
  return (await runProgram({ file, args, input, env })).stdout;
}

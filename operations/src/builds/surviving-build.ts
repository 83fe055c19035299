import type { BuildRun } from '@eve/domain';
import type { Platform } from '../platform.ts';
import { type PrintedLines, printedLines } from './printed-lines.ts';
import { testPlanName } from './test-stage.ts';

/**
 * Whether the attempt of a lost worker goes on by itself, and which of its lines are printed already; null when it does not: it was
 * not yet with the engine, the engine does not keep it going, or has lost a part of it.
 */
export async function survivingBuild(
  { builders, logs }: Pick<Platform, 'builders' | 'logs'>,
  run: BuildRun,
): Promise<PrintedLines | null> {
  const builder = builders[run.backend];
  if (!builder?.survives || run.status !== 'building' || run.phase !== 'building' || !run.runnerRef) return null;
  const names = run.runnerRef.split(',');
  const refs = new Set(await builder.list());
  // Its image is built after its tests, in a build of their own.
  const there = names.filter((name) => refs.has(name) || refs.has(testPlanName(name)));
  const printed = printedLines(await logs.cursor(run));
  const lost = names.some((name) => printed.has(name) && !there.includes(name));
  return there.length > 0 && !lost ? printed : null;
}

import type { BuildTest } from '@eve/domain';
import { type DockerfileStage, dockerfileStages, escapeOf, linesOf } from './dockerfile-stages.ts';

/** What to build so that a service's test runs. */
export interface TestStage {
  /** The Dockerfile with the test's stage; null: as it stands in the commit. */
  readonly dockerfileText: string | null;
  readonly target: string;
  /** The name that the engine gives the stage in the names of its steps. */
  readonly stage: string;
  /** A stage that was given a name so that the test can stand on it, and the name that the engine gives it otherwise. */
  readonly named: { readonly name: string; readonly shown: string } | null;
}

/** The stage that runs a test: the one it names, or one made for it on top of the stage that becomes the image. Null when the Dockerfile has no such stage. */
export function testStage(text: string, imageTarget: string | null, test: BuildTest): TestStage | null {
  const stages = dockerfileStages(text);
  if ('target' in test) {
    const index = indexOf(stages, test.target);
    return index < 0
      ? null
      : { dockerfileText: null, target: test.target, stage: shownName(stages, index), named: null };
  }
  const index = imageTarget === null ? stages.length - 1 : indexOf(stages, imageTarget);
  const image = stages[index];
  if (!image) return null;

  const lines = linesOf(text);
  const name = image.name ?? freeName(stages, 'eve-image');
  if (image.name === null) lines.splice(image.from, image.to - image.from, `${image.instruction} AS ${name}`);
  const stage = freeName(stages, 'eve-test');
  const run = `RUN ${runOf(test, escapeOf(text))}`;
  return {
    dockerfileText: [...lines, `FROM ${name} AS ${stage}`, run, ''].join('\n'),
    ...{ target: stage, stage },
    named: image.name === null ? { name, shown: shownName(stages, index) } : null,
  };
}

/** A test in words, for people. */
export function describeTest(test: BuildTest): string {
  return 'target' in test ? `target ${test.target}` : test.command.join(' ');
}

/** In the shell's form where that says the same: it uses the shell that the image chose. */
function runOf({ shell, command }: Extract<BuildTest, { command: unknown }>, continues: string): string {
  const [text = ''] = command;
  if (!shell) return JSON.stringify(command);
  const plain = !/[\r\n]|<<|^\s*(?:\[|--)/.test(text) && !text.trimEnd().endsWith(continues);
  return plain ? text : JSON.stringify(['/bin/sh', '-c', text]);
}

/** The last stage of a name, as the engine looks for it, or the one of a number. */
function indexOf(stages: readonly DockerfileStage[], target: string): number {
  const named = stages.findLastIndex(({ name }) => name === target.toLowerCase());
  if (named >= 0) return named;
  return /^\d+$/.test(target) && Number(target) < stages.length ? Number(target) : -1;
}

function shownName(stages: readonly DockerfileStage[], index: number): string {
  return stages[index]?.name ?? (stages.length === 1 ? '' : `stage-${index}`);
}

function freeName(stages: readonly DockerfileStage[], wanted: string): string {
  const taken = new Set(stages.map(({ name }) => name));
  let name = wanted;
  for (let count = 2; taken.has(name); count++) name = `${wanted}-${count}`;
  return name;
}

/** What the build of an image's tests is called: no service's name has two dashes in a row. */
export function testPlanName(image: string): string {
  return `${image}--test`;
}

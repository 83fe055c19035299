import { type BuildFailure, buildFailure } from '@eve/domain';

type More = Partial<Pick<BuildFailure, 'phase' | 'service' | 'step' | 'tail'>>;

/** What the client says of a Dockerfile that cannot be followed; null when it is something else. */
export function dockerfileFailure(said: string, more: More): BuildFailure | null {
  const planned = { ...more, phase: 'plan' } as const;
  const line = /dockerfile parse error (?:on )?line (\d+): (.*)/is.exec(said);
  if (line) {
    const hint = `Correct line ${line[1]} of the Dockerfile; \`docker build --check .\` finds such lines before they are pushed.`;
    return buildFailure('build_error', `Dockerfile line ${line[1]}: ${line[2]?.trim()}`, { ...planned, hint });
  }
  const stage = /target stage "?([^"\s]+)"? could not be found/.exec(said)?.[1];
  if (stage) {
    const hint = `No FROM line of the Dockerfile ends with \`AS ${stage}\`: check build.target in the manifest, and the names of the stages.`;
    return buildFailure('build_error', said, { ...planned, hint });
  }
  if (/file with no instructions|no build stage in current context|the Dockerfile .*cannot be empty/i.test(said)) {
    const hint = 'Write at least a FROM line into the Dockerfile, or name another file under build.dockerfile.';
    return buildFailure('build_error', `The Dockerfile has no instructions: ${said}`, { ...planned, hint });
  }
  return missingSecret(said, said, more);
}

/** A COPY or ADD of a file that the build context does not hold. */
export function missingFile(message: string, step: string, error: string, more: More): BuildFailure | null {
  // An older engine names its own directory before the path's first part that is not there.
  const file =
    /"([^"]+)"(?: not found)?: not found\s*$/.exec(error)?.[1] ??
    /\/buildkit-mount\d+(\/\S+?): no such file or directory\s*$/.exec(error)?.[1];
  if (file === undefined || !/\] (?:COPY|ADD) /.test(step)) return null;
  const stage = /--from=(\S+)/.exec(step)?.[1];
  const place = stage === undefined ? 'the build context' : `the stage or image ${stage}`;
  const hint =
    stage === undefined
      ? `${file} is not in the build context: check that it is committed, that build.context in the manifest is the directory it is in, and that .dockerignore does not leave it out.`
      : `${file} is not in ${place}: check that an earlier step made it there.`;
  return buildFailure('build_error', message, { ...more, hint });
}

/** A step that needs a secret which the build was not given. */
export function missingSecret(message: string, error: string, more: More): BuildFailure | null {
  const id = /secret (\S+?)(?: not found)?: not found/.exec(error)?.[1];
  if (id === undefined) return null;
  const hint = `The step asks for the secret ${id}: set it with \`eve secrets set ${id} -\` and name it in build.secrets of the manifest.`;
  return buildFailure('build_error', message, { ...more, hint });
}

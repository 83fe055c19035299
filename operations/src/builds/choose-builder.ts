import { type BuilderName, PlatformError } from '@eve/domain';
import type { Platform } from '../platform.ts';

/** The engine of a run, and why it is not the usual one: kept with the run. */
export interface ChosenBuilder {
  readonly name: BuilderName;
  readonly note: string | null;
}

/**
 * The backend that is asked for, else the operator's, else the only one. Kaniko can do less: it builds only where it is asked for, or
 * where BuildKit is not to be had. Throws `engine_capability_missing`.
 */
export async function chooseBuilder(
  { builders, settings }: Pick<Platform, 'builders' | 'settings'>,
  asked: BuilderName | undefined,
  organisation: string,
): Promise<ChosenBuilder> {
  const name = asked ?? settings.buildBackend ?? (Object.keys(builders)[0] as BuilderName | undefined);
  const builder = name && builders[name];
  if (asked === undefined && name === 'buildkit' && builders.kaniko) {
    const why = builder ? await whyNot(() => builder.capabilities(undefined, organisation)) : 'it is not set up here';
    if (why !== null) return { name: 'kaniko', note: `engine kaniko, for BuildKit is not to be had: ${why}` };
  }
  if (!builder) {
    const known = Object.keys(builders).join(', ') || 'none';
    throw new PlatformError(
      'engine_capability_missing',
      `The build backend "${name}" is not set up here; there is: ${known}.`,
    );
  }
  return { name, note: asked === 'kaniko' ? 'engine kaniko, as it was asked for' : null };
}

/** Why an engine does not answer; null when it does. */
async function whyNot(ask: () => Promise<unknown>): Promise<string | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    if (error instanceof PlatformError && error.kind === 'unavailable') return error.message;
    throw error;
  }
}

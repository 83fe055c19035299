import type { SecretScope } from '@eve/protocol-rest/client';
import { flag } from '../../command.ts';
import type { Context } from '../../context.ts';
import { UsageError } from '../../failure.ts';

/** Beside the options of every command, --project and --org. */
export const scopeOptions = {
  system: flag('of the whole installation, for every organisation to use: only for its operator'),
};

/** Of the installation with --system, of the organisation when --org is given and no project is, else of the project. */
export async function secretScope(
  { organisation, projectFlag, project }: Context,
  { system }: { readonly system: boolean },
): Promise<SecretScope> {
  if (system) {
    if (organisation !== undefined || projectFlag !== undefined)
      throw new UsageError('Give --system alone, without --org and --project.');
    return { system: true };
  }
  if (organisation !== undefined && projectFlag === undefined) return { organisation };
  return { project: await project() };
}

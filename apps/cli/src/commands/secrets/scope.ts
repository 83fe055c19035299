import type { SecretScope } from '@eve/protocol-rest/client';
import type { Context } from '../../context.ts';

/** Of the organisation when --org is given and no project is, else of the project. */
export async function secretScope({ organisation, projectFlag, project }: Context): Promise<SecretScope> {
  if (organisation !== undefined && projectFlag === undefined) return { organisation };
  return { project: await project() };
}

import { type OrganisationId, PlatformError, type ProjectId, type Scope } from '@eve/domain';

/** Who asks, in which tenant, and what they may do. */
export interface Caller {
  /** Shown in histories: `token:<name>` or `system`. */
  readonly actor: string;
  readonly tenantId: OrganisationId;
  readonly scopes: readonly Scope[];
  /** Null: every project of the organisation. */
  readonly projectId: ProjectId | null;
  /** May see and change organisations other than the own: the operator of the installation. */
  readonly operator: boolean;
}

/** Passes when the caller has the scope (`admin` has all); throws `caller_forbidden`. */
export function authorize(caller: Caller, scope: Scope, projectId: ProjectId | null = null): void {
  if (caller.projectId !== null && projectId !== null && caller.projectId !== projectId) {
    throw new PlatformError('project_not_found', `There is no project ${projectId}.`);
  }
  if (!caller.scopes.includes(scope) && !caller.scopes.includes('admin')) {
    throw new PlatformError('caller_forbidden', `This needs a token with the scope "${scope}".`);
  }
}

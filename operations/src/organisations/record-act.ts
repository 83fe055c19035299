import type { OrganisationId } from '@eve/domain';
import type { Caller } from '../caller.ts';
import type { Records } from '../ports/store.ts';

/** What somebody did to a thing that has no state machine; never holds a secret's value. */
export interface Act {
  readonly tenantId?: OrganisationId;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly from: string | null;
  readonly to: string;
  readonly event: string;
  readonly at: Date;
}

/** Writes an act into the history, in the transaction that carries it out. */
export function recordAct({ transitions }: Pick<Records, 'transitions'>, caller: Caller, act: Act): Promise<void> {
  return transitions.record({ tenantId: caller.tenantId, ...act, actor: caller.actor });
}

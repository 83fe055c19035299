import type { DeployFailureCode } from '@eve/domain';

/** What looks like a failure, and is one when it lasts. */
export interface Suspicion {
  readonly code: DeployFailureCode;
  readonly message: string;
  readonly hint: string;
  /** For how long it has to be seen without a break. */
  readonly patienceMs: number;
}

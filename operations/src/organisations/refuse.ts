import { PlatformError, type Scope } from '@eve/domain';
import { authorize, type Caller } from '../caller.ts';

/** A `request_invalid` that names the wrong field. */
export function invalidField(path: string, message: string): PlatformError {
  return new PlatformError('request_invalid', message, { details: [{ path, message }] });
}

/** A name for people: 1 to 100 characters on one line. Throws `request_invalid`. */
export function checkedName(text: string, path = 'name'): string {
  const name = text.trim();
  if (name.length >= 1 && name.length <= 100 && !/\p{Cc}/u.test(name)) return name;
  throw invalidField(path, 'Give a name of 1 to 100 characters on one line.');
}

/** As authorize, for what belongs to the whole organisation: refused to tokens of one project. */
export function authorizeOrganisation(caller: Caller, scope: Scope): void {
  authorize(caller, scope);
  if (caller.projectId !== null) {
    throw new PlatformError(
      'caller_forbidden',
      'This token is limited to one project; use a token of the organisation.',
    );
  }
}

/** As authorize, for what belongs to the whole installation. */
export function authorizeOperator(caller: Caller, what: string): void {
  if (caller.operator) return;
  throw new PlatformError('caller_forbidden', `Only the operator of this installation ${what}.`);
}

/** One scope of the Docker token protocol, such as `repository:acme/shop/web:pull,push`. */
export interface RegistryScope {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** Takes a scope apart; the name may hold colons, actions stand after the last one. Null when it is none. */
export function parseRegistryScope(text: string): RegistryScope | null {
  const first = text.indexOf(':');
  const last = text.lastIndexOf(':');
  if (first < 1 || last <= first + 1) return null;
  const actions = text
    .slice(last + 1)
    .split(',')
    .filter(Boolean);
  return actions.length === 0 ? null : { type: text.slice(0, first), name: text.slice(first + 1, last), actions };
}

/** What can be done with a repository; `delete` removes manifests. */
export type RegistryAction = 'pull' | 'push' | 'delete';

/** What a holder may do with the repositories below a prefix. */
export interface RegistryRight {
  /** `acme/shop/` opens that project's repositories; an empty prefix opens every repository. */
  readonly prefix: string;
  readonly actions: readonly (RegistryAction | '*')[];
}

/** The allowed part of what was asked for: never more than both, and empty when nothing is allowed. */
export function grantRegistryScopes(
  asked: readonly RegistryScope[],
  rights: readonly RegistryRight[],
): RegistryScope[] {
  return asked
    .filter(({ type }) => type === 'repository')
    .map(({ type, name, actions }) => ({
      type,
      name,
      actions: actions.filter((action) =>
        rights.some(
          (right) =>
            name.startsWith(right.prefix) && right.actions.some((allowed) => allowed === '*' || allowed === action),
        ),
      ),
    }))
    .filter(({ actions }) => actions.length > 0);
}

import type { ConfigValue, ConfigVersion } from './environment.ts';

/** A name whose value is another one: null where it is not set. */
export interface ConfigChange {
  /** Or `*` for every service. */
  readonly service: string;
  readonly name: string;
  readonly before: ConfigValue | null;
  readonly after: ConfigValue | null;
}

type Values = ConfigVersion['values'];

/** What is set differently in two configurations, by service and name. References to secrets are compared by name. */
export function configChanges(before: Values, after: Values): readonly ConfigChange[] {
  const services = namesOf(before, after);
  return services.flatMap((service) => {
    const [was, is] = [ownOf(before, service) ?? {}, ownOf(after, service) ?? {}];
    return namesOf(was, is).flatMap((name) => {
      const change = { service, name, before: ownOf(was, name) ?? null, after: ownOf(is, name) ?? null };
      return isSameValue(change.before, change.after) ? [] : [change];
    });
  });
}

/** A configuration with values of one service set and unset; a service without values is left out. */
export function changedValues(
  values: Values,
  service: string,
  { set, unset }: { readonly set: Readonly<Record<string, ConfigValue>>; readonly unset: readonly string[] },
): Values {
  const removed = new Set(unset);
  const own = Object.entries({ ...ownOf(values, service), ...set }).filter(([name]) => !removed.has(name));
  const others = Object.entries(values).filter(([name]) => name !== service);
  return Object.fromEntries([...others, ...(own.length > 0 ? [[service, Object.fromEntries(own)] as const] : [])]);
}

function isSameValue(one: ConfigValue | null, other: ConfigValue | null): boolean {
  if (one === null || other === null) return one === other;
  if ('plain' in one) return 'plain' in other && one.plain === other.plain;
  return 'secret' in other && one.secret === other.secret;
}

function ownOf<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function namesOf(one: object, other: object): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
}

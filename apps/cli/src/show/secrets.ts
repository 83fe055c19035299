import type { Secret, SecretWithUses } from '@eve/protocol-rest/contract';

const scopes = { project: 'project', org: 'organisation', system: 'installation' } as const;

/** How widely a secret is shared, in a word. */
export function scopeText({ scope_type: type }: Pick<Secret, 'scope_type'>): string {
  return scopes[type];
}

/** Where a secret is in use: `shop/staging (older value)`. */
export function usesText({ used_by: uses }: Pick<SecretWithUses, 'used_by'>): string | null {
  const texts = uses.map(
    ({ project, environment, current }) => `${project}/${environment}${current ? '' : ' (older value)'}`,
  );
  return texts.length === 0 ? null : texts.join(', ');
}

/** After a secret was set: who goes on with the older value, and how the new one gets there. */
export function outdatedLines({ used_by: uses }: Pick<SecretWithUses, 'used_by'>): string[] {
  const old = uses.filter(({ current }) => !current);
  if (old.length === 0) return ['It counts from the next build and deploy on.'];
  return [
    'It counts from the next build and deploy on. These run with the value before until then:',
    ...old.map(
      ({ project, environment }) =>
        `  ${project}/${environment}:  eve config apply ${environment} --project ${project}`,
    ),
  ];
}

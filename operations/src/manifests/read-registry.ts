import { isSecretName, type RegistrySetting } from '@eve/domain';
import { type Field, fail, isMapping, recordOf, textOf } from './field.ts';
import { manifestKeys } from './schema.ts';

/** Where images are kept; `eve` unless the manifest says otherwise. */
export function readRegistry(field: Field | undefined): RegistrySetting {
  const eve = { mode: 'eve' } as const;
  if (!field) return eve;
  if (!isMapping(field)) {
    const text = textOf(field, '"eve", "none", or a mapping with `host`');
    if (text === 'eve' || text === 'none') return { mode: text };
    if (text !== null) fail(field, `\`${text}\` is no registry; write "eve", "none", or a mapping with \`host\`.`);
    return eve;
  }
  const fields = recordOf(field, manifestKeys.registry);
  const hostField = fields.get('host');
  const host = hostField ? readHost(hostField) : fail(field, 'Write the registry’s host as `host`, such as ghcr.io.');
  const namespaceField = fields.get('namespace');
  const namespace = namespaceField ? readNamespace(namespaceField) : null;
  const authField = fields.get('auth');
  const auth = authField ? recordOf(authField, manifestKeys.registryAuth) : new Map<string, Field>();
  const usernameSecret = readSecretName(auth.get('username_secret')) ?? 'REGISTRY_USERNAME';
  const tokenSecret = readSecretName(auth.get('token_secret')) ?? 'REGISTRY_PASSWORD';
  return host === null ? eve : { mode: 'own', host, namespace, usernameSecret, tokenSecret };
}

function readHost(field: Field): string | null {
  const text = textOf(field, 'a host, such as ghcr.io');
  if (text === null) return null;
  const host = text.replace(/\/+$/, '');
  if (/^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:\d{1,5})?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/.test(host))
    return canonicalHost(host);
  return fail(
    field,
    `\`${text}\` is no host of a registry; write it without https:// and without a user, such as ghcr.io or localhost:5000.`,
  );
}

/** Hosts have no case, and Docker's registry has one name in images and several in people's minds. */
function canonicalHost(host: string): string {
  const [name = '', ...path] = host.split('/');
  const lower = name.toLowerCase();
  const real = /^(?:index|registry-1|registry\.hub)\.docker\.(?:io|com)$/.test(lower) ? 'docker.io' : lower;
  return [real, ...path].join('/');
}

function readNamespace(field: Field): string | null {
  const text = textOf(field, 'the name of a namespace');
  if (text === null || /^[a-z0-9]+([._-]+[a-z0-9]+)*(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/.test(text)) return text;
  return fail(field, `\`${text}\` is no namespace: use lower-case letters, digits, dots, hyphens and underscores.`);
}

function readSecretName(field: Field | undefined): string | null {
  const text = field ? textOf(field, 'the name of a secret') : null;
  if (!field || text === null || isSecretName(text)) return text;
  return fail(field, `\`${text}\` is no name of a secret; write the secret’s name, not its value.`);
}

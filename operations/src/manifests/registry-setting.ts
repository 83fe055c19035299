import { type ErrorDetail, type Manifest, PlatformError, type RegistrySetting } from '@eve/domain';
import { type Field, recordOf } from './field.ts';
import { readDocument } from './read-document.ts';
import { readRegistry } from './read-registry.ts';

/** What stands under `registry` in a manifest, given as a value instead of as text; read by the manifest's own rule. Throws `request_invalid`. */
export function registrySetting(value: unknown): RegistrySetting {
  // JSON is YAML, so what reads a manifest reads this too.
  const reading = readDocument(JSON.stringify({ registry: value }));
  const root: Field = { reading, path: '', offset: 0, node: reading.document.contents as Field['node'] };
  const setting = readRegistry(recordOf(root, { read: ['registry'], ignored: new Map() }).get('registry'));
  // Where a manifest only warns of a key that it does not know, a request is refused.
  const wrong: readonly ErrorDetail[] = [...reading.errors, ...reading.warnings];
  if (wrong.length > 0) {
    const details = wrong.map(({ path, message }) => ({ path, message }));
    throw new PlatformError('request_invalid', details.map(({ message }) => message).join(' '), { details });
  }
  return setting;
}

/** The shortest value that `registrySetting` reads back: equal settings are written alike. */
export function registryValue(setting: RegistrySetting): unknown {
  if (setting.mode !== 'own') return setting.mode;
  const { host, namespace, usernameSecret, tokenSecret } = setting;
  const auth = {
    ...(usernameSecret !== 'REGISTRY_USERNAME' && { username_secret: usernameSecret }),
    ...(tokenSecret !== 'REGISTRY_PASSWORD' && { token_secret: tokenSecret }),
  };
  return { host, ...(namespace !== null && { namespace }), ...(Object.keys(auth).length > 0 && { auth }) };
}

/** Where the images of a build go: as its spec says, else as the manifest does. */
export function registryOf(
  { registry }: { readonly registry: unknown },
  manifest: Pick<Manifest, 'registry'>,
): RegistrySetting {
  return registry === null || registry === undefined ? manifest.registry : registrySetting(registry);
}

import type { VolumeMount } from '@eve/domain';
import { booleanOf, type Field, fail, isMapping, itemsOf, recordOf, textOf } from './field.ts';
import { keysOf } from './schema.ts';
import { VolumeFile } from './schema-service.ts';

const keys = keysOf(VolumeFile);

/** Named volumes of a service, with the place of each; directories of the machine are refused by name. */
export function readVolumes(field: Field | undefined): { mount: VolumeMount; at: Field }[] {
  const mounts: { mount: VolumeMount; at: Field }[] = [];
  for (const at of field ? (itemsOf(field, 'a list of volumes') ?? []) : []) {
    const mount = isMapping(at) ? readLongVolume(at) : readShortVolume(at);
    if (mount && mounts.some((other) => other.mount.path === mount.path)) {
      fail(at, `Two volumes are mounted at \`${mount.path}\`; remove one.`);
    } else if (mount) mounts.push({ mount, at });
  }
  return mounts;
}

function readShortVolume(field: Field): VolumeMount | null {
  const text = textOf(field, 'a volume such as "data:/var/lib/data"');
  if (text === null) return null;
  const [source = '', path, mode = 'rw', ...rest] = text.split(':');
  if (path === undefined)
    return fail(field, `\`${text}\` has no name, so nothing would find it again; write "name:${text}".`);
  if (rest.length > 0) return fail(field, `\`${text}\` is no volume; write "name:/path" or "name:/path:ro".`);
  return checkedMount(field, source, path, mode.split(',').includes('ro'));
}

function readLongVolume(field: Field): VolumeMount | null {
  const fields = recordOf(field, { read: [...keys.read, 'bind', 'tmpfs'], ignored: keys.ignored });
  const text = (name: string) => {
    const below = fields.get(name);
    return below ? (textOf(below) ?? '') : '';
  };
  const type = text('type') || 'volume';
  const source = text('source');
  if (type === 'bind') return refuseBind(field, source);
  if (type !== 'volume') return fail(field, `Volumes of the type \`${type}\` are not supported; use a named volume.`);
  if (!source) return fail(field, 'Name the volume as `source`.');
  const readOnly = fields.get('read_only');
  return checkedMount(field, source, text('target'), readOnly ? booleanOf(readOnly) === true : false);
}

function checkedMount(field: Field, name: string, path: string, readOnly: boolean): VolumeMount | null {
  if (/^[./~\\]/.test(name) || name.includes('/')) return refuseBind(field, name);
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/.test(name)) {
    return fail(field, `\`${name}\` is no name of a volume: use letters, digits, dots, hyphens and underscores.`);
  }
  if (!path.startsWith('/') || path.split('/').includes('..')) {
    return fail(field, `\`${path}\` is no place for a volume; write an absolute path of the container.`);
  }
  return { name, path, readOnly };
}

function refuseBind(field: Field, source: string): null {
  return fail(
    field,
    `\`${source}\` is a directory of the machine; only named volumes are mounted. Put files into the image, or name a volume.`,
  );
}

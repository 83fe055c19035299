import type { ListedRelease, Release, ReleaseDetail, ReleaseDiff } from '@eve/protocol-rest/contract';
import { counted, fields, printable, shortHash, shortSha, size, table, when } from '../output/text.ts';

export function releaseFields(release: Release & Partial<ReleaseDetail>): string[] {
  const images = Object.entries(release.images).map(
    ([service, { image_ref: ref, digest }]) => `    ${service}: ${ref}@${digest}`,
  );
  const { block, running_in: running = [], build_number: number } = release;
  return [
    ...fields({
      ID: release.id,
      Tag: release.tag,
      SHA: shortSha(release.git_sha),
      Manifest: shortHash(release.manifest_hash),
      Version: release.version ?? 'N/A',
      Build: release.build_id && `${release.build_id}${number ? ` (number ${number})` : ''}`,
      Blocked: block && `${printable(block.reason)} (by ${block.blocked_by}, ${when(block.blocked_at)})`,
      Local: release.local ? 'yes: only this machine has its images' : null,
      'Runs in': running
        .map(({ env_name: name, revision, since }) => `${name}#${revision}${since ? ` since ${when(since)}` : ''}`)
        .join(', '),
      'Created by': release.created_by,
      Created: when(release.created_at),
    }),
    ...(images.length > 0 ? ['  Images:', ...images] : []),
  ];
}

export function releaseTable(releases: readonly ListedRelease[]): string[] {
  return table(
    ['Tag', 'Release ID', 'SHA', 'Version', 'Blocked', 'Created By', 'Created'],
    releases.map((release) => [
      release.tag ?? '-',
      release.id,
      shortSha(release.git_sha),
      release.version ?? '-',
      release.block ? printable(release.block.reason) : '-',
      release.created_by ?? '-',
      when(release.created_at),
    ]),
  );
}

const nameOf = ({ tag, id }: Pick<Release, 'tag' | 'id'>) => tag ?? id;

/** What lies between two releases, part by part. */
export function diffLines(diff: ReleaseDiff): string[] {
  return [
    `${nameOf(diff.before)} (${shortSha(diff.before.git_sha)}) → ${nameOf(diff.after)} (${shortSha(diff.after.git_sha)})`,
    ...section(
      'Commits',
      diff.commits.map(
        ({ sha, author, message }) =>
          `${shortSha(sha)}  ${printable(message.split('\n')[0] ?? '')} (${printable(author)})`,
      ),
      diff.commits_complete ? 'none' : 'not known',
    ),
    ...section('Manifest', diff.manifest.map(manifestLine), 'the same'),
    ...section('Images', diff.images.flatMap(imageLines), 'none'),
    ...(diff.configuration === null ? [] : section('Configuration', diff.configuration.map(configLine), 'the same')),
    ...(diff.notes.length === 0 ? [] : section('Notes', diff.notes, '')),
  ];
}

function section(title: string, lines: readonly string[], none: string): string[] {
  return ['', `${title}:`, ...(lines.length > 0 ? lines : [none]).map((line) => `  ${line}`)];
}

function manifestLine({ service, what, before, after }: ReleaseDiff['manifest'][number]): string {
  return changed(service === null ? what : `${service}: ${what}`, before, after);
}

function changed(what: string, before: string | null, after: string | null): string {
  const [was, is] = [before && printable(before), after && printable(after)];
  if (was === null) return `+ ${what}: ${is}`;
  return is === null ? `- ${what}: ${was}` : `~ ${what}: ${was} → ${is}`;
}

function imageLines({ service, before, after, same, packages }: ReleaseDiff['images'][number]): string[] {
  if (same) return [`= ${service}: the same, ${shortDigest(after?.digest)}${sizeOf(after)}`];
  const line = changed(
    service,
    before && `${shortDigest(before.digest)}${sizeOf(before)}`,
    after && `${shortDigest(after.digest)}${sizeOf(after)}`,
  );
  if (packages === null) return [line];
  const shown = packages.map((each) => `    ${changed(each.name, each.before, each.after)}`);
  return [
    line,
    `    ${packages.length === 0 ? 'the same packages' : `${counted(packages.length, 'package')} changed:`}`,
    ...shown,
  ];
}

function shortDigest(digest: string | undefined): string {
  return digest?.slice(0, 'sha256:'.length + 12) ?? '-';
}

function sizeOf(image: ReleaseDiff['images'][number]['after']): string {
  return image?.size_bytes === null || !image ? '' : ` (${size(image.size_bytes)})`;
}

function configLine({ service, key, before, after }: NonNullable<ReleaseDiff['configuration']>[number]): string {
  const shown = (value: typeof before) => value && ('plain' in value ? value.plain : `secret ${value.secret}`);
  return changed(service === '*' ? key : `${service}: ${key}`, shown(before), shown(after));
}

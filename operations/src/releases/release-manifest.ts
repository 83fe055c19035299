import type { BuildSpec, Project, ProjectId, Release } from '@eve/domain';
import { stringify } from 'yaml';
import { renderImage } from '../builds/image-place.ts';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { showRelease } from './show-release.ts';

/** What a release is, as a Kubernetes ConfigMap in YAML: for what runs elsewhere and wants to know. */
export async function releaseManifest(
  platform: Pick<Platform, 'store' | 'settings'>,
  caller: Caller,
  idOrTag: string,
  projectId?: ProjectId,
): Promise<string> {
  const { release, build } = await showRelease(platform, caller, idOrTag, projectId);
  const project = await platform.store.projects.get(release.tenantId, release.projectId);
  const { data, ...head } = configMapOf(platform, project, release, build);
  // The values of a ConfigMap are texts, also those that look like numbers.
  return (
    stringify(head) + stringify({ data }, { lineWidth: 0, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' })
  );
}

function configMapOf(
  { settings }: Pick<Platform, 'settings'>,
  project: Project,
  release: Release,
  build: BuildSpec | null,
): { readonly data: Readonly<Record<string, string>> } & Readonly<Record<string, unknown>> {
  const { tag, version, gitSha, createdAt, images, manifestHash } = release;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'release-info' },
    data: {
      ...{ project: project.slug, release: release.id },
      ...(version !== null && { version: `v${version}` }),
      ...(tag !== null && { tag }),
      ...(gitSha !== null && { 'git-sha': gitSha }),
      'manifest-hash': manifestHash,
      'build-date': (build?.createdAt ?? createdAt).toISOString().replace(/\.\d+Z$/, 'Z'),
      ...(build && { 'build-number': String(build.number) }),
      'release-date': createdAt.toISOString().replace(/\.\d+Z$/, 'Z'),
      ...Object.fromEntries(
        Object.entries(images).flatMap(([service, { image, digest }]) => [
          [`digest.${service}`, digest],
          ...(release.local || (image.registry === 'eve' && settings.registryHost === null)
            ? []
            : [[`image.${service}`, renderImage(settings, image, digest)]]),
        ]),
      ),
    },
  };
}

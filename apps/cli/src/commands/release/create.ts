import { command, text } from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { releaseFields } from '../../show/release.ts';
import { jsonObject } from '../json-object.ts';

export const releaseCreate = command({
  name: 'release create',
  summary: 'freeze the images of a build, or given digests, as a release',
  options: {
    build: text('<build-id>', 'the build whose images are released'),
    ref: text('<sha>', 'the commit, where no build is named'),
    manifestHash: text('<hash>', 'its manifest'),
    imageDigests: text('<json>', 'service → digest, where no build is named'),
    tag: text('<tag>', 'such as v1.0.0 or spring; v and the version when left out'),
    version: text('<version>', 'such as 1.0.0 or 1.0.0-beta.1; without tag and version the next one, by the commits'),
  },
  examples: ['eve release create --build bld_…', 'eve release create --build bld_… --version 1.0.0-beta.1'],

  async run(context, { build, ref, manifestHash, imageDigests, tag, version }) {
    if (!build && !ref)
      throw new UsageError('Say what to release: --build <build-id>, or --ref <sha> with --manifest-hash.');
    const release = await context.api.createRelease(await context.project(), {
      // The server checks the shape of an id.
      ...(build && { build_id: build as `bld_${string}` }),
      ...(ref && { git_sha: ref }),
      ...(manifestHash && { manifest_hash: manifestHash }),
      // The server checks each digest.
      ...(imageDigests && { image_digests: jsonObject(imageDigests, '--image-digests') as Record<string, string> }),
      ...(tag && { tag }),
      ...(version && { version }),
    });
    context.answer(release, () => [`Release created: ${release.tag ?? release.id}`, ...releaseFields(release)]);
    if (release.note) context.warn(release.note);
  },
});

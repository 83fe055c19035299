import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BuilderName, PlatformError } from '@eve/domain';
import type { Platform } from '../platform.ts';
import type { Builder } from '../ports/builder.ts';
import { chooseBuilder } from './choose-builder.ts';

/** Of a builder only whether it answers counts here. */
const builder = (name: BuilderName, unavailable: string | null = null) =>
  ({
    name,
    capabilities: async () => {
      if (unavailable !== null) throw new PlatformError('engine_unavailable', unavailable);
    },
  }) as unknown as Builder;

const platformOf = (buildBackend: BuilderName | null, ...builders: Builder[]) =>
  ({
    builders: Object.fromEntries(builders.map((it) => [it.name, it])),
    settings: { buildBackend },
  }) as unknown as Pick<Platform, 'builders' | 'settings'>;

describe('the engine of a build run', () => {
  it('is BuildKit while that answers, without a word about it', async () => {
    const platform = platformOf('buildkit', builder('buildkit'), builder('kaniko'));

    assert.deepEqual(await chooseBuilder(platform, undefined, 'shop'), { name: 'buildkit', note: null });
  });

  it('is kaniko where BuildKit is not to be had, and the run says why', async () => {
    const away = platformOf('buildkit', builder('buildkit', 'the namespace refuses its pods'), builder('kaniko'));
    const absent = platformOf('buildkit', builder('kaniko'));

    assert.deepEqual(await chooseBuilder(away, undefined, 'shop'), {
      name: 'kaniko',
      note: 'engine kaniko, for BuildKit is not to be had: the namespace refuses its pods',
    });
    assert.match((await chooseBuilder(absent, undefined, 'shop')).note ?? '', /it is not set up here/);
  });

  it('is kaniko where that is asked for, and never instead of a BuildKit that was asked for', async () => {
    const platform = platformOf('buildkit', builder('buildkit', 'away'), builder('kaniko'));

    assert.deepEqual(await chooseBuilder(platform, 'kaniko', 'shop'), {
      name: 'kaniko',
      note: 'engine kaniko, as it was asked for',
    });
    assert.deepEqual(await chooseBuilder(platform, 'buildkit', 'shop'), { name: 'buildkit', note: null });
  });

  it('is an error where it is not set up', async () => {
    await assert.rejects(chooseBuilder(platformOf('buildkit', builder('buildx')), undefined, 'shop'), {
      code: 'engine_capability_missing',
      message: /"buildkit" is not set up here; there is: buildx/,
    });
  });
});

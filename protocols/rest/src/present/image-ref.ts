import type { ImagePlace } from '@eve/domain';
import type { Context } from '../operations.ts';

/** `host/repository`; an old image stays showable where Eve runs no registry any more. */
export function imageRef({ platform, operations }: Context, image: ImagePlace): string {
  if (image.registry === 'eve' && platform.settings.registryHost === null) return `eve/${image.repository}`;
  return operations.renderImage(platform.settings, image);
}

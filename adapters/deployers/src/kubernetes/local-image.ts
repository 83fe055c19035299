import type { Node } from '@eve/adapter-kubernetes';
import { parseImageReference } from '@eve/domain';
import type { LocalImage } from '@eve/operations';

/** Names that an import gives to an image whose digest it keeps. */
const imported = /\/import-[^/@]*@sha256:/;

/** An image by a name that the cluster's machines hold, as far as they tell a digest of it. */
export function localImage(nodes: readonly Node[], reference: string): LocalImage | null {
  const parsed = parseImageReference(reference);
  if (!parsed) return null;
  const name = `${parsed.host}/${parsed.repository}:${parsed.tag ?? 'latest'}`;
  const names = imagesOf(nodes).find((each) => each.includes(name));
  const digests = names?.filter((each) => each.includes('@sha256:')) ?? [];
  const id = digests[0]?.split('@')[1];
  return id === undefined ? null : { id, byHand: digests.every((each) => imported.test(each)) };
}

/** What a machine calls the image with this digest, so that it runs it without asking a registry; null when none holds it. */
export function localName(nodes: readonly Node[], id: string): string | null {
  const names = imagesOf(nodes).flat();
  return names.find((each) => each.endsWith(`@${id}`)) ?? null;
}

function imagesOf(nodes: readonly Node[]): (readonly string[])[] {
  return nodes.flatMap(({ status }) => (status?.images ?? []).map(({ names }) => names ?? []));
}

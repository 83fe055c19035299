import type { Package } from '@eve/domain';
import { z } from 'zod';
import type { RegistryLogin } from '../ports/builder.ts';
import type { AttestationStatement, RegistryReader } from '../ports/registry-reader.ts';

const largestSbom = 33_554_432;

const spdx = z.object({
  packages: z.array(z.object({ name: z.string(), versionInfo: z.string().optional() })).default([]),
});
const cycloneDx = z.object({
  components: z
    .array(z.object({ name: z.string(), group: z.string().optional(), version: z.string().optional() }))
    .default([]),
});

/** The packages that an image's SBOM lists, whatever its platforms; null where it carries none that can be read. */
export async function imagePackages(
  registry: Pick<RegistryReader, 'attestations' | 'attestation'>,
  reference: string,
  login: RegistryLogin | null,
  signal: AbortSignal,
): Promise<readonly Package[] | null> {
  const all = await registry.attestations(reference, login, signal);
  const lists = all.filter(
    ({ predicateType, sizeBytes }) => /spdx|cyclonedx/i.test(predicateType) && sizeBytes <= largestSbom,
  );
  // One platform stands for all: the same source has the same packages.
  const [first] = lists;
  const ofPlatform = lists.filter(({ subject }) => subject === first?.subject);
  const found: Package[] = [];
  let readable = false;
  for (const { digest } of ofPlatform) {
    const packages = packagesOf(await registry.attestation(reference, digest, login, signal));
    readable ||= packages !== null;
    found.push(...(packages ?? []));
  }
  return readable ? found : null;
}

/** What a statement lists, null when it is no SBOM that is understood. */
export function packagesOf({ predicateType, predicate }: AttestationStatement): readonly Package[] | null {
  if (/cyclonedx/i.test(predicateType)) {
    const read = cycloneDx.safeParse(predicate);
    return read.success
      ? read.data.components.map(({ group, name, version = '' }) => ({
          name: group ? `${group}/${name}` : name,
          version,
        }))
      : null;
  }
  const read = spdx.safeParse(predicate);
  return read.success
    ? read.data.packages.flatMap(({ name, versionInfo }) => (versionInfo ? [{ name, version: versionInfo }] : []))
    : null;
}

import { type ImageReference, PlatformError } from '@eve/domain';
import type { Attestation, AttestationStatement } from '@eve/operations';
import { z } from 'zod';
import { broken } from './failure.ts';
import {
  isIndex,
  parseIndex,
  parseJson,
  parseManifest,
  type Repository,
  readBlob,
  readManifest,
  type Stored,
} from './manifests.ts';

/** Lists of packages are long. */
const maxStatementBytes = 64 * 1_048_576;

const Statement = z.object({
  _type: z.string(),
  predicateType: z.string(),
  subject: z.array(z.object({ name: z.string().optional(), digest: z.record(z.string(), z.string()) })),
  predicate: z.unknown(),
});

/** What an index says about its images, as BuildKit puts it there. */
export async function attestationsOf(repository: Repository, root: Stored): Promise<readonly Attestation[]> {
  if (!isIndex(root)) return [];
  const found: Attestation[] = [];
  for (const { digest, annotations = {} } of parseIndex(repository, root)) {
    const subject = annotations['vnd.docker.reference.digest'];
    if (annotations['vnd.docker.reference.type'] !== 'attestation-manifest' || !subject) continue;
    const stored = await readManifest(repository, digest);
    if (!stored) throw broken(repository.reference, `lacks the manifest ${digest}`);
    for (const layer of parseManifest(repository, stored).layers) {
      const predicateType = layer.annotations?.['in-toto.io/predicate-type'];
      if (predicateType) found.push({ subject, predicateType, digest: layer.digest, sizeBytes: layer.size });
    }
  }
  return found;
}

/** One statement, by the digest that attestationsOf gave. */
export async function readStatement(repository: Repository, digest: string): Promise<AttestationStatement> {
  const { reference } = repository;
  const bytes = await readBlob(repository, digest, maxStatementBytes);
  if (!bytes) throw new PlatformError('image_unknown', `${place(reference)} holds no ${digest}.`);
  const statement = Statement.safeParse(parseJson(bytes));
  if (!statement.success) throw broken(reference, `holds ${digest}, which is no statement,`);
  return statement.data;
}

function place({ host, repository }: ImageReference): string {
  return `${host}/${repository}`;
}

/** One object as a bucket lists it. */
export interface ListedObject {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

/** One page of a bucket's list, and what asks for the next one. */
export interface ListPage {
  readonly objects: readonly ListedObject[];
  readonly next: string | null;
}

/** A part that a bucket has of an upload. */
export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
  /** Base64. */
  readonly sha256: string;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#34': '"' };

/** The text of the first element of a name. S3's answers are flat and known: this reads them, and no XML at large. */
export function elementOf(document: string, name: string): string | null {
  const found = new RegExp(`<${name}>([^<]*)</${name}>`).exec(document)?.[1];
  return found?.replace(/&(#?\w{1,8});/g, (whole, entity: string) => entities[entity] ?? whole) ?? null;
}

/** Reads an answer to ListObjectsV2. Null for something else. */
export function listPageOf(document: string): ListPage | null {
  if (!/<ListBucketResult[\s>]/.test(document)) return null;
  const objects: ListedObject[] = [];
  for (const [, entry = ''] of document.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
    const sizeBytes = Number(elementOf(entry, 'Size') ?? Number.NaN);
    const modifiedAt = new Date(elementOf(entry, 'LastModified') ?? Number.NaN);
    if (!Number.isSafeInteger(sizeBytes) || Number.isNaN(modifiedAt.getTime())) return null;
    objects.push({ name: elementOf(entry, 'Key') ?? '', sizeBytes, modifiedAt });
  }
  const goesOn = elementOf(document, 'IsTruncated') === 'true';
  const next = elementOf(document, 'NextContinuationToken');
  if (goesOn && !next) return null;
  return { objects, next: goesOn ? next : null };
}

/** The body of CompleteMultipartUpload. */
export function completionOf(parts: readonly UploadedPart[]): string {
  const listed = parts.map(
    ({ number, etag, sha256 }) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag><ChecksumSHA256>${sha256}</ChecksumSHA256></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join('')}</CompleteMultipartUpload>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

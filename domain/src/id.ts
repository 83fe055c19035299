/** A typed identifier: a prefix, an underscore and 26 base32 digits of a UUIDv7, so that ids sort by time (TypeID). */
export type Id<Prefix extends string> = `${Prefix}_${string}`;

export type OrganisationId = Id<'org'>;
export type ProjectId = Id<'proj'>;
export type TokenId = Id<'tok'>;
export type ManifestId = Id<'mnfst'>;
export type SecretId = Id<'secr'>;
export type SecretVersionId = Id<'sver'>;
export type BuildId = Id<'bld'>;
export type BuildRunId = Id<'brun'>;
export type BuildArtifactId = Id<'bart'>;
export type ReleaseId = Id<'rel'>;
export type EnvironmentId = Id<'env'>;
export type ConfigVersionId = Id<'cfg'>;
export type RevisionId = Id<'rev'>;
export type DeployId = Id<'dep'>;
export type DriftId = Id<'drift'>;
export type PipelineRunId = Id<'prun'>;
export type StepId = Id<'pstep'>;
export type WorkId = Id<'work'>;

const digits = '0123456789abcdefghjkmnpqrstvwxyz';
const pattern = /^([a-z]+)_([0-7][0-9a-hjkmnp-tv-z]{25})$/;

/** Makes an id of 16 bytes, written as 26 base32 digits with the two spare bits in front. */
export function encodeId<Prefix extends string>(prefix: Prefix, bytes: Uint8Array): Id<Prefix> {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (let digit = 0; digit < 26; digit++) {
    text = digits[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return `${prefix}_${text}`;
}

/** Lays a time in milliseconds and ten random bytes out as a UUIDv7 (RFC 9562). */
export function uuidV7(atMs: number, random: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16);
  for (let index = 0; index < 6; index++) bytes[index] = Math.floor(atMs / 256 ** (5 - index)) % 256;
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return bytes;
}

/** Whether a text from outside is an id of this prefix. */
export function isId<Prefix extends string>(prefix: Prefix, text: string): text is Id<Prefix> {
  return pattern.exec(text)?.[1] === prefix;
}

/** The last digits of an id: random enough to tell siblings apart in names of containers and networks. */
export function shortId(id: Id<string>): string {
  return id.slice(-10);
}

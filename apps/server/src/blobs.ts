import { join } from 'node:path';
import { directoryBlobs, s3Blobs } from '@eve/adapter-blobs';
import { PlatformError } from '@eve/domain';
import type { Blobs } from '@eve/operations';
import type { Config } from './config.ts';

type BlobsConfig = Pick<Config, 'dataDir' | Extract<keyof Config, `EVE_BLOBS_${string}`>>;

/**
 * Blobs in the bucket that is named, else in the data directory. Throws `request_invalid` when the configuration lacks
 * something, and `storage_unavailable` when the bucket cannot be used, so that this shows before anything is to be kept.
 */
export async function openBlobs(config: BlobsConfig, signal?: AbortSignal): Promise<Blobs> {
  const { EVE_BLOBS_S3: place, ...more } = config;
  if (place === undefined) {
    const lost = (['EVE_BLOBS_S3_ENDPOINT', 'EVE_BLOBS_S3_ACCESS_KEY_ID', 'EVE_BLOBS_S3_SECRET_ACCESS_KEY'] as const)
      .filter((name) => more[name] !== undefined)
      .join(', ');
    if (lost === '') return directoryBlobs(join(config.dataDir, 'blobs'));
    throw new PlatformError('request_invalid', `${lost}: name the bucket too, as EVE_BLOBS_S3=s3://bucket/prefix.`);
  }
  const { EVE_BLOBS_S3_ACCESS_KEY_ID: accessKeyId, EVE_BLOBS_S3_SECRET_ACCESS_KEY: secretAccessKey } = config;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const names = 'EVE_BLOBS_S3_ACCESS_KEY_ID and EVE_BLOBS_S3_SECRET_ACCESS_KEY';
    throw new PlatformError('request_invalid', `EVE_BLOBS_S3 needs ${names}: Eve takes credentials from nowhere else.`);
  }
  const [bucket = '', ...prefix] = place.slice('s3://'.length).split('/');
  const blobs = s3Blobs({
    bucket,
    prefix: prefix.join('/'),
    endpoint: config.EVE_BLOBS_S3_ENDPOINT ?? null,
    region: config.EVE_BLOBS_S3_REGION,
    credentials: { accessKeyId, secretAccessKey },
    ...(signal && { signal }),
  });
  for await (const _ of blobs.list('sources')) break;
  return blobs;
}

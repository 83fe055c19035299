/**
 * The URL that the names of a bucket's objects are put behind. Amazon's buckets have host names; elsewhere, and where the
 * certificate would not fit, the bucket is part of the path.
 */
export function bucketAddress({
  bucket,
  endpoint,
  region,
}: {
  readonly bucket: string;
  readonly endpoint: string | null;
  readonly region: string;
}): URL {
  if (endpoint !== null) return new URL(`${endpoint.replace(/\/+$/, '')}/${bucket}/`);
  const amazon = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  return new URL(bucket.includes('.') ? `https://${amazon}/${bucket}/` : `https://${bucket}.${amazon}/`);
}

export { directoryBlobs } from './directory.ts';
export { directoryLogSpool } from './log-spool.ts';
export { type S3BlobsOptions, s3Blobs } from './s3/blobs.ts';

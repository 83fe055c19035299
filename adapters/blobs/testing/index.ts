export * from './blobs-contract.ts';
export * from './s3-between.ts';
export * from './s3-server.ts';

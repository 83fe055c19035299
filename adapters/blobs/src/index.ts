export { directoryBlobs } from './directory.ts';
export { directoryLogSpool } from './log-spool.ts';

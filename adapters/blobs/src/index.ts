export { directoryBlobs } from './directory.ts';

export * from './docker/index.ts';
export * from './kubernetes/index.ts';

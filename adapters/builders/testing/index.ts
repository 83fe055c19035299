export * from './buildkitd.ts';

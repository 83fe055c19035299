export * from './account.ts';
export * from './api-between.ts';
export * from './kubectl.ts';
export * from './namespace.ts';
export * from './pods.ts';

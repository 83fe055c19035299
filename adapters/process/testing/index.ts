export * from './cluster.ts';
export * from './engine.ts';
export * from './registry.ts';

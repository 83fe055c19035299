export * from './buildx/arguments.ts';
export * from './buildx/builder.ts';
export * from './buildx/capabilities.ts';
export * from './failure.ts';

export * from './lines.ts';
export * from './program.ts';
export * from './run-program.ts';
export * from './scratch-directory.ts';

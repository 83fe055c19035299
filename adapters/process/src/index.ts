export * from './closed-address.ts';
export * from './detached-process.ts';
export * from './lines.ts';
export * from './program.ts';
export * from './run-program.ts';
export * from './running-process.ts';
export * from './scratch-directory.ts';

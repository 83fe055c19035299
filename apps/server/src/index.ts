export * from './config.ts';
export * from './data-directory.ts';
export * from './http.ts';
export * from './logger.ts';
export * from './platform.ts';
export * from './server.ts';
export * from './version.ts';
export * from './work.ts';

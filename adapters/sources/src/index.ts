export * from './address-guard.ts';
export * from './git/repository-url.ts';
export * from './git/source.ts';

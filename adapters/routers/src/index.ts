export { renderConfig } from './haproxy/config.ts';
export { stopRouter } from './haproxy/process.ts';
export { type HaproxyOptions, haproxyRouter } from './haproxy/router.ts';
export * from './kubernetes/index.ts';

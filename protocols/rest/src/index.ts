export type { Operations } from './operations.ts';
export { refuseBeforeRouting } from './problem.ts';
export { type RestOptions, restRoutes } from './routes.ts';

export { type KubernetesRouterOptions, kubernetesRouter } from './router.ts';

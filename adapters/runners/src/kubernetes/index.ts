export { type KubernetesRunnerOptions, kubernetesRunner } from './runner.ts';

export { type KubernetesDeployerOptions, kubernetesDeployer } from './deployer.ts';

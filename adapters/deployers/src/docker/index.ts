export { type DockerDeployerOptions, dockerDeployer } from './deployer.ts';
export type { PortRange } from './loopback-ports.ts';

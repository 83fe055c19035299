import { testDeployerVolumes } from '../../../../operations/testing/deployer-volume-contract.ts';
import { testDockerDeployer } from '../../testing/index.ts';

testDeployerVolumes('docker', testDockerDeployer);

import { testDeployerStrategies } from '../../../../operations/testing/deployer-strategy-contract.ts';
import { testDockerDeployer } from '../../testing/index.ts';

testDeployerStrategies('docker', testDockerDeployer);

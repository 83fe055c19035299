import { testDeployer } from '../../../../operations/testing/deployer-contract.ts';
import { testDockerDeployer } from '../../testing/index.ts';

testDeployer('docker', testDockerDeployer);

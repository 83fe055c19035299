import { testHaltingDeployer } from '../../../../operations/testing/deployer-halting-contract.ts';
import { testDockerDeployer } from '../../testing/index.ts';

testHaltingDeployer('docker', testDockerDeployer);

import { testDeployerReports } from '../../../../operations/testing/deployer-report-contract.ts';
import { testDockerDeployer } from '../../testing/index.ts';

testDeployerReports('docker', testDockerDeployer);

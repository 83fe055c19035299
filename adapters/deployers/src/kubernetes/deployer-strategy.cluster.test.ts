import { testDeployerStrategies } from '../../../../operations/testing/deployer-strategy-contract.ts';
import { testKubernetesDeployer } from '../../testing/index.ts';

testDeployerStrategies('kubernetes', () => testKubernetesDeployer());

import { testDeployerVolumes } from '../../../../operations/testing/deployer-volume-contract.ts';
import { testKubernetesDeployer } from '../../testing/index.ts';

testDeployerVolumes('kubernetes', () => testKubernetesDeployer());

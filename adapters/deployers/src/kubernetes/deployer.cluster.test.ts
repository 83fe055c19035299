import { testDeployer } from '../../../../operations/testing/deployer-contract.ts';
import { testKubernetesDeployer } from '../../testing/index.ts';

testDeployer('kubernetes', () => testKubernetesDeployer());

import { testRollingDeployer } from '../../../../operations/testing/deployer-rolling-contract.ts';
import { testKubernetesDeployer } from '../../testing/index.ts';

testRollingDeployer('kubernetes', () => testKubernetesDeployer());

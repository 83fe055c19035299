import { testBuilder } from '../../../../operations/testing/builder-contract.ts';
import { underClusterTest } from '../../testing/under-cluster-test.ts';
import { kubernetesBuilder } from './builder.ts';

testBuilder('BuildKit in a Job', () => underClusterTest(kubernetesBuilder), 900_000);

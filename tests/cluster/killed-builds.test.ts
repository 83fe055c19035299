import { testKilledBuilds } from '../faults/killed-builds.ts';
import { kubernetesGround } from './ground.ts';

testKilledBuilds(kubernetesGround);

import { testKilledDeploys } from '../faults/killed-deploys.ts';
import { kubernetesGround } from './ground.ts';

testKilledDeploys(kubernetesGround, [
  { point: 'after-plan', strategy: 'blue-green' },
  { point: 'after-start-instances', strategy: 'blue-green' },
  { point: 'before-switch', strategy: 'blue-green' },
  { point: 'after-switch', strategy: 'blue-green' },
  { point: 'in-retire', strategy: 'blue-green' },
  { point: 'in-rolling', strategy: 'rolling' },
  { point: 'in-canary', strategy: 'canary:50@1s' },
]);

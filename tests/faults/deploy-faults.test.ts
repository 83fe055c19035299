import { dockerGround } from '../journeys/ground.ts';
import { testKilledDeploys } from './killed-deploys.ts';

/** Where Eve dies, and of which strategy that is a place. */
testKilledDeploys(dockerGround, [
  { point: 'after-plan', strategy: 'blue-green' },
  { point: 'after-release-command', strategy: 'blue-green' },
  { point: 'after-start-instances', strategy: 'blue-green' },
  { point: 'before-switch', strategy: 'blue-green' },
  { point: 'after-switch', strategy: 'blue-green' },
  { point: 'in-stabilising', strategy: 'blue-green' },
  { point: 'before-healthy', strategy: 'blue-green' },
  { point: 'after-healthy', strategy: 'blue-green' },
  { point: 'before-retire', strategy: 'blue-green' },
  { point: 'in-retire', strategy: 'blue-green' },
  { point: 'in-rolling', strategy: 'rolling' },
  { point: 'in-canary', strategy: 'canary:50@1s' },
]);

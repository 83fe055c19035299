import assert from 'node:assert/strict';
import { it } from 'node:test';
import { deploymentName, deploymentOf, slotOf } from './slots.ts';

it('the name of a pod tells its Deployment and its slot', () => {
  assert.equal(deploymentOf('web-api-7f9c6d5b8-x2k4q'), 'web-api');
  assert.equal(deploymentOf(`${deploymentName('web', 'green')}-7f9c6d5b8-x2k4q`), 'web-green');
  assert.equal(slotOf('web-7f9c6d5b8-x2k4q', 'web'), 'blue');
  assert.equal(slotOf('web-green-7f9c6d5b8-x2k4q', 'web'), 'green');
  assert.equal(slotOf('web-api-7f9c6d5b8-x2k4q', 'web'), null);
  assert.equal(deploymentOf('web'), null);
});

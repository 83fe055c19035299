import { testEngine } from '@eve/adapter-process/testing';
import { testBuilder } from '../../../../operations/testing/builder-contract.ts';
import { underBuildkitTest } from '../../testing/under-test.ts';
import { buildxBuilder } from './builder.ts';

testBuilder('buildx on BuildKit', async () => {
  const engine = await testEngine();
  if ('missing' in engine) return engine;
  // The engine has no part in these builds.
  const away = { ...engine, dockerHost: 'unix:///nowhere/docker.sock' };
  return underBuildkitTest(({ workDir, daemons }) => buildxBuilder({ ...away, workDir, daemons }));
});

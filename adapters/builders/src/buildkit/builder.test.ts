import { testBuilder } from '../../../../operations/testing/builder-contract.ts';
import { underBuildkitTest } from '../../testing/under-test.ts';
import { buildkitBuilder } from './builder.ts';

testBuilder('buildctl on BuildKit', () =>
  underBuildkitTest(({ workDir, buildctl, daemons }) => buildkitBuilder({ buildctl, workDir, daemons })),
);

import { type BuildArtifact, BuildFailed, buildFailure } from '@eve/domain';
import { redactor } from '../logs/redact.ts';
import type { Platform } from '../platform.ts';
import type { RegistryLogin } from '../ports/builder.ts';
import { loginFor } from '../registry/registry-login.ts';
import { patiently } from '../work/patiently.ts';
import type { BuildAttempt } from './build-attempt.ts';
import { followBuild } from './follow-build.ts';
import { renderImage } from './image-place.ts';
import type { PlannedImage } from './plan-images.ts';
import { stepRecorder } from './step-recorder.ts';

/** What came of building one service's image. */
export interface BuiltImage {
  readonly service: string;
  readonly digest: string;
  /** With the digest. */
  readonly reference: string;
  readonly login: RegistryLogin | null;
}

/** Runs the tests of one service, then builds and pushes its image. Throws BuildFailed. */
export async function buildImage(
  platform: Pick<Platform, 'settings' | 'failpoint' | 'store' | 'log' | 'now'>,
  { context, work, writer, record, printed, held }: BuildAttempt,
  { plan, place, test }: PlannedImage,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const { service } = plan;
  const { builder, run } = context;
  const previous = context.previousSteps.filter((step) => step.service === service);
  const cacheOff = plan.noCache || Boolean(test?.plan.noCache);
  const redact = redactor(context.secretValues);
  const steps = stepRecorder(platform, run, service, { previous, cacheOff, lease: work.lease, redact }, held);
  const listeners = { writer, steps, use: record.use, printed, held };
  try {
    if (test) {
      writer.say(`Testing ${service}: ${test.description}`, { service, step: 'test' });
      await followBuild(
        platform,
        { builder, plan: test.plan, lease: work.lease, test: test.stage },
        listeners,
        signal,
      ).catch((error: unknown) => {
        throw testFailure(error, service, test.description);
      });
      writer.say(`Tests of ${service} passed`, { service, step: 'test' });
    }
    const digest = await followBuild(platform, { builder, plan, lease: work.lease, test: null }, listeners, signal);
    platform.failpoint('after-push');
    if (digest === null) throw new Error(`The builder pushed nothing for ${plan.name}.`);
    const login = loginFor(plan.logins, place, platform.settings);
    return { service, digest, reference: renderImage(platform.settings, place, digest), login };
  } finally {
    await steps.end();
  }
}

/** Reads back what was pushed and records it. */
export async function recordArtifact(
  platform: Pick<Platform, 'registry' | 'newId' | 'now' | 'store'>,
  { context: { run }, work, writer, held }: BuildAttempt,
  { place, tags, plan }: Pick<PlannedImage, 'place' | 'tags' | 'plan'>,
  { service, digest, reference, login }: BuiltImage,
  signal: AbortSignal,
): Promise<BuildArtifact> {
  const { registry, newId, now, store } = platform;
  const pushed = await registry.inspect(reference, login, signal);
  if (!pushed) {
    throw new BuildFailed(
      buildFailure(
        'registry_error',
        `The registry does not hold ${place.repository}@${digest}, which was just pushed.`,
        { phase: 'push', service, retryClass: 'network' },
      ),
    );
  }
  const isAttested = plan.provenance || plan.sbomScanner !== null;
  const statements = isAttested ? await registry.attestations(reference, login, signal) : [];
  const about = (type: string) =>
    statements.find(({ predicateType }) => predicateType.startsWith(type))?.digest ?? null;
  const artifact: BuildArtifact = {
    id: newId('bart'),
    tenantId: run.tenantId,
    projectId: run.projectId,
    buildId: run.buildId,
    runId: run.id,
    serviceName: service,
    image: place,
    tags,
    digests: pushed.digests,
    platforms: pushed.digests.platforms.map(({ platform }) => platform),
    sizeBytes: pushed.sizeBytes,
    provenanceRef: about('https://slsa.dev/provenance'),
    sbomRef: about('https://spdx.dev/'),
    createdAt: now(),
  };
  await patiently(() => store.buildArtifacts.insert(artifact, work.lease), held);
  writer.say(`Digest: ${digest}`, { service, step: 'push' });
  return artifact;
}

/** A test that failed says so, under its own name. */
function testFailure(error: unknown, service: string, description: string): unknown {
  if (!(error instanceof BuildFailed) || error.failure.phase !== 'test') return error;
  const { failure } = error;
  return new BuildFailed({
    ...failure,
    message: `The tests of service '${service}' did not pass: ${failure.message}`,
    hint: `The test is "${description}" (services.${service}.build.test): its output stands in \`eve build logs\` under the step "test". The image of this service was not pushed.`,
  });
}

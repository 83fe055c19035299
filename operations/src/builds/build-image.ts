import { type BuildArtifact, BuildFailed, type BuildFailure, type BuildRun, buildFailure } from '@eve/domain';
import type { LogWriter } from '../logs/log-writer.ts';
import type { Platform } from '../platform.ts';
import type { Builder } from '../ports/builder.ts';
import type { Lease } from '../ports/work-queue.ts';
import { loginFor } from '../registry/registry-login.ts';
import { renderImage } from './image-place.ts';
import type { PlannedImage } from './plan-images.ts';

/** Builds and pushes one image and reads its digest back from the registry. Throws BuildFailed. */
export async function buildImage(
  {
    registry,
    settings,
    newId,
    now,
    failpoint,
  }: Pick<Platform, 'registry' | 'settings' | 'newId' | 'now' | 'failpoint'>,
  builder: Builder,
  {
    run,
    image: { plan, place, tags },
    writer,
    lease,
  }: { run: BuildRun; image: PlannedImage; writer: LogWriter; lease: Lease },
  signal: AbortSignal,
): Promise<BuildArtifact> {
  const { service } = plan;
  const ref = await builder.ensure(plan, lease);
  try {
    const digest = await follow(builder, ref, service, writer, signal);
    failpoint('after-push');
    const login = loginFor(plan.logins, place, settings);
    const pushed = await registry.inspect(renderImage(settings, place, digest), login, signal);
    if (!pushed) {
      throw new BuildFailed(
        buildFailure(
          'registry_error',
          `The registry does not hold ${place.repository}@${digest}, which was just pushed.`,
          { service },
        ),
      );
    }
    writer.say(`Digest: ${digest}`, { service, step: 'push' });
    return {
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
      provenanceRef: null,
      sbomRef: null,
      createdAt: now(),
    };
  } finally {
    if (signal.aborted) await builder.stop(ref);
  }
}

async function follow(
  builder: Builder,
  ref: string,
  service: string,
  writer: LogWriter,
  signal: AbortSignal,
): Promise<string> {
  let failure: BuildFailure | null = null;
  for await (const event of builder.follow(ref, null, signal)) {
    if (event.type === 'log')
      await writer.print({ service, step: event.step, stream: event.stream, text: event.text, at: event.at });
    if (event.type === 'step' && event.state !== 'done') {
      const word = { started: '', cached: 'CACHED ', failed: 'FAILED ' }[event.state];
      writer.say(`${word}${event.name}`, { service, step: event.name });
    }
    if (event.type === 'failed') failure = event.failure;
    if (event.type === 'pushed') return event.digest;
  }
  signal.throwIfAborted();
  throw new BuildFailed(
    failure
      ? { ...failure, service }
      : buildFailure('infrastructure_error', 'The builder ended without an answer.', { service }),
  );
}

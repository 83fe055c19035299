import {
  annotation,
  type Deployment,
  deploymentName,
  label,
  type PodTemplate,
  type Wanted,
} from '@eve/adapter-kubernetes';
import type { Service } from '@eve/domain';
import type { DeployTarget, ServiceTarget } from '@eve/operations';
import { writesVolume } from '@eve/operations';
import { podTemplate, serviceLabels, type TemplateSettings } from './pod-template.ts';

/** How many former templates `kubectl rollout undo` can go back to. */
const historyLimit = 10;
/** One without any check has to run for so long. */
const settleSeconds = 2;

/** A service's instances in one slot. It names no number of replicas: that is asked by scaling, here and by an autoscaler. */
export function deployment(
  target: DeployTarget,
  wanted: ServiceTarget,
  settings: TemplateSettings & { readonly namespace: string },
): Wanted<Deployment> {
  const { service } = wanted;
  const { namespace, slot } = settings;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: deploymentName(service.name, slot),
      namespace,
      labels: serviceLabels(target, service.name, settings),
      annotations: { [annotation.changeCause]: changeCause(target) },
    },
    spec: {
      selector: { matchLabels: { [label.service]: service.name, [label.slot]: slot } },
      strategy: strategyOf(service),
      minReadySeconds: minReadySeconds(wanted),
      revisionHistoryLimit: historyLimit,
      template: podTemplate(target, wanted, settings),
    },
  };
}

/** What `kubectl rollout history` shows. */
export function changeCause({ release, revision, deployId }: DeployTarget): string {
  const { tag, version, gitSha } = release;
  const named = tag ?? version ?? gitSha?.slice(0, 12);
  return `${named ? `release ${named}, ` : ''}revision ${revision.number}, deploy ${deployId}`;
}

/** The hash of what a Deployment's pods are to be, also after somebody has undone a rollout. */
export function hashOf({ template }: { readonly template: PodTemplate }): string {
  return template.metadata?.annotations?.[annotation.hash] ?? '';
}

/** The deploy that made a Deployment's template. */
export function deployOf({ template }: { readonly template: PodTemplate }): string {
  return template.metadata?.annotations?.[annotation.deploy] ?? '';
}

/** Some at a time as the service's update settings say; never two that write to one volume. */
function strategyOf(service: Service): Deployment['spec']['strategy'] {
  if (writesVolume(service)) return { type: 'Recreate' };
  const { parallelism, order } = service.update;
  const some = parallelism === 0 ? '100%' : parallelism;
  const rollingUpdate =
    order === 'stop-first' ? { maxSurge: 0, maxUnavailable: some } : { maxSurge: some, maxUnavailable: 0 };
  return { type: 'RollingUpdate', rollingUpdate };
}

function minReadySeconds({ service, port }: ServiceTarget): number {
  const { live, ready, startup } = service.probes;
  const isAsked = port !== null || service.healthcheck !== null || (live ?? ready ?? startup) !== null;
  return Math.max(Math.ceil(service.update.delayMs / 1000), isAsked ? 0 : settleSeconds);
}

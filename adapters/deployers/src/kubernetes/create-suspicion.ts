import type { Deployment } from '@eve/adapter-kubernetes';
import type { Suspicion } from './suspicion.ts';

/** Why a Deployment makes no pods; null when it does. */
export function createSuspicion(service: string, deployment: Deployment): Suspicion | null {
  const { observedGeneration = 0, conditions = [] } = deployment.status ?? {};
  if (observedGeneration < (deployment.metadata.generation ?? 0)) return null;
  const refused = conditions.find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
  return refused ? refusalOf(service, refused.message ?? refused.reason ?? 'no reason is given') : null;
}

/** What it means that a pod may not be made, in the words of who refused it. */
export function refusalOf(service: string, message: string): Suspicion {
  const said = message.replace(/^Error creating: /, '').replace(/^pods "[^"]*" is forbidden: /, '');
  if (/exceeded quota|failed quota|(maximum|minimum) \w+ (usage|limit)/i.test(said))
    return {
      code: 'quota_exceeded',
      message: `The namespace has no quota left for ${service}: ${said}`,
      hint: 'Raise the quota of the namespace, or ask for less in `deploy.resources` or `deploy.replicas`.',
      // Pods that are just ending give theirs back.
      patienceMs: 4_000,
    };
  if (/serviceaccount "[^"]*" not found|not yet ready/i.test(said))
    return {
      code: 'engine_error',
      message: `The cluster makes no pods for ${service}: ${said}`,
      hint: 'Deploy again, which makes what is missing; somebody else may have removed it.',
      patienceMs: 5_000,
    };
  const isOutage = /failed calling webhook|context deadline exceeded|connection refused/i.test(said);
  const isRule = isOutage || /forbidden|denied|PodSecurity|admission|violates/i.test(message);
  return {
    code: isRule ? 'admission_refused' : 'engine_error',
    message: `The cluster refuses the pods of ${service}: ${said}`,
    hint: isOutage
      ? 'The cluster asks a webhook before it makes pods, and that does not answer: ask who keeps it.'
      : isRule
        ? 'A rule of the cluster or namespace refuses it: change the service as the words say, or ask who keeps the rule.'
        : 'The words are the cluster’s own; its controller manager’s log may say more.',
    patienceMs: isOutage ? 15_000 : 1_000,
  };
}

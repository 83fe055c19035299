import { ClusterRefused } from '@eve/adapter-kubernetes';
import { DeployFailed, type DeployFailureCode } from '@eve/domain';

const meanings: Readonly<Record<string, { readonly code: DeployFailureCode; readonly hint: string }>> = {
  no_rights: {
    code: 'no_rights',
    hint: 'Give this right to the account that Eve uses in the cluster, or ask who may.',
  },
  field_conflict: {
    code: 'field_conflict',
    hint: 'Somebody else has set this, and Eve overwrites nobody’s fields: let it go there, or set it in the manifest only. An image that was set by hand is taken back by `eve env repair`; a deploy with `--strategy blue-green` makes a Deployment anew.',
  },
  quota_exceeded: {
    code: 'quota_exceeded',
    hint: 'Raise the quota of the namespace, or ask for less in `deploy.resources` or `deploy.replicas`.',
  },
  admission_refused: {
    code: 'admission_refused',
    hint: 'A rule of the cluster or namespace refuses it: change the service as the words say, or ask who keeps the rule.',
  },
  namespace_terminating: {
    code: 'engine_error',
    hint: 'The namespace is being removed. Deploy again when it is gone; finalizers of others may hold it up.',
  },
};

/** What a refusal of the API server means for a deploy; any other error as it is. */
export function refusedFailure(error: unknown, service: string | null): unknown {
  if (!(error instanceof ClusterRefused)) return error;
  const { code, hint } = meanings[error.refusal] ?? {
    code: 'engine_error' as const,
    hint: 'The words are the cluster’s own.',
  };
  const failure = { code, message: error.message, service, hint, probes: [], logs: [], instances: [] };
  return new DeployFailed(failure, { cause: error });
}

/** Does something for a service; what the API server refuses fails the deploy. */
export async function orRefused<Result>(service: string | null, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw refusedFailure(error, service);
  }
}

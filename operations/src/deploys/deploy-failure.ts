import type { DeployFailure, DeployFailureCode } from '@eve/domain';
import { howToSetSecret } from '../secrets/missing-secrets.ts';

const hints: Record<DeployFailureCode, string> = {
  image_pull_error: 'Check that the image is in its registry and that its credentials are set.',
  port_in_use: 'Give the service another published port, or none so that Eve chooses one.',
  secret_missing: `Set the secret with ${howToSetSecret('NAME')} and deploy again.`,
  container_exited: 'Read the last lines of the container: it must keep running and listen on the port in PORT.',
  health_check_failed:
    'Read the probe results and the last lines of the container; check path, port and start period of the check.',
  release_command_failed: 'Read what the command printed: nothing new serves, and what served before serves on.',
  unstable: 'Read the probe results and the last lines of the instances: they were healthy when they started.',
  dependency_failed: 'Repair the service it depends on first.',
  digest_mismatch: 'Deploy again; if it stays, somebody changed the image behind Eve.',
  engine_error: 'Check the engine with `eve doctor`.',
  resource_error: 'Free disk or memory on the machine, or lower the limits of the service.',
  unschedulable: 'Free room, lower what the service asks for in `deploy.resources`, or add a machine to the cluster.',
  quota_exceeded: 'Raise the quota of the namespace, or ask for less in `deploy.resources` or `deploy.replicas`.',
  admission_refused:
    'An admission rule of the cluster refused it, in the words above: change the service, or ask who keeps the rule.',
  no_rights: 'Give Eve the right that is named: its chart and `eve doctor` list all that it needs.',
  field_conflict: 'Let the one that is named leave the field to Eve, or take it out of what that one manages.',
  host_taken: 'Choose another host in `x-eve.ingress.host`, or take it from the environment that has it.',
  infrastructure_error: 'Nothing is wrong with your code: the engine was lost. Deploy again.',
};

/** A deploy failure with the code's standard hint. */
export function deployFailure(code: DeployFailureCode, message: string, service: string | null = null): DeployFailure {
  return { code, message, service, hint: hints[code], probes: [], logs: [], instances: [] };
}

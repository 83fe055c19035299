import { createHash } from 'node:crypto';
import { type ConfigMap, label, type Secret, type Wanted } from '@eve/adapter-kubernetes';
import type { DeployTarget, ServiceTarget } from '@eve/operations';
import { environmentLabels } from './namespace-objects.ts';

export interface ConfigNames {
  readonly plain: string;
  readonly secret: string;
}

/** What the objects with a service's variables are called: of each deploy and configuration others, because none is ever changed. */
export function configNames(
  { deployId, configVersion }: Pick<DeployTarget, 'deployId' | 'configVersion'>,
  { service, hash }: Pick<ServiceTarget, 'service' | 'hash'>,
): ConfigNames {
  const digest = createHash('sha256').update(`${deployId} ${hash}`).digest('hex').slice(0, 8);
  const name = `${service.name}-c${configVersion}-${digest}`;
  return { plain: name, secret: name };
}

/** A service's variables, those that hold a secret apart; without any the Secret is left out. */
export function configObjects(
  target: DeployTarget,
  wanted: ServiceTarget,
  { installation, namespace }: { readonly installation: string; readonly namespace: string },
): { readonly plain: Wanted<ConfigMap>; readonly secret: Wanted<Secret> | null } {
  const names = configNames(target, wanted);
  const labels = { ...environmentLabels(target, installation), [label.service]: wanted.service.name };
  const isSecret = new Set(wanted.secretNames);
  const variables = Object.entries({
    ...(wanted.port !== null && { PORT: String(wanted.port) }),
    ...wanted.environment,
  });
  const secrets = variables.filter(([name]) => isSecret.has(name));
  return {
    plain: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: names.plain, namespace, labels },
      immutable: true,
      data: Object.fromEntries(variables.filter(([name]) => !isSecret.has(name))),
    },
    secret:
      wanted.secretNames.length === 0
        ? null
        : {
            apiVersion: 'v1',
            kind: 'Secret',
            metadata: { name: names.secret, namespace, labels },
            type: 'Opaque',
            immutable: true,
            data: Object.fromEntries(secrets.map(([name, value]) => [name, base64(value)])),
          },
  };
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

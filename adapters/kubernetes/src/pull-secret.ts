import type { Metadata, Wanted } from './cluster.ts';
import type { Secret } from './shapes.ts';

/** Who a registry lets in. */
export interface PullLogin {
  readonly host: string;
  readonly username: string;
  readonly password: string;
}

/** Logins as kubelets take them. */
export function pullSecret(metadata: Metadata, logins: readonly PullLogin[]): Wanted<Secret> {
  const auths = Object.fromEntries(
    logins.map(({ host, username, password }) => {
      const auth = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
      return [host, { username, password, auth }];
    }),
  );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths }), 'utf8').toString('base64') },
  };
}

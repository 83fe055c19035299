import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@eve/adapter-process';

/** What Eve finds in its namespace, as objects for kubectl: nothing of it is the chart's. */
export async function surroundings(
  namespace: string,
  images: { readonly postgres: string; readonly tools: string },
): Promise<readonly object[]> {
  const password = randomBytes(12).toString('hex');
  const [accessKey, secretKey] = [
    `EVE${randomBytes(8).toString('hex').toUpperCase()}`,
    randomBytes(20).toString('hex'),
  ];
  const strict = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  const secret = (name: string, stringData: Readonly<Record<string, string>>, data = {}) => ({
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData, data },
  });
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: strict } },
    secret('eve', {
      'database-url': `postgres://eve:${password}@postgres.${namespace}.svc:5432/eve`,
      'master-key': randomBytes(32).toString('base64'),
      'internal-api-key': randomBytes(24).toString('hex'),
      'registry-http-secret': randomBytes(24).toString('hex'),
      's3-access-key-id': accessKey,
      's3-secret-access-key': secretKey,
    }),
    secret('eve-keys', await tokenKeys(), { 'registry-logins.key': randomBytes(32).toString('base64') }),
    ...server(namespace, 'postgres', {
      ...{ image: images.postgres, port: 5432, user: 999, mountPath: '/var/lib/postgresql/data' },
      env: {
        ...{ POSTGRES_USER: 'eve', POSTGRES_DB: 'eve', POSTGRES_PASSWORD: password },
        PGDATA: '/var/lib/postgresql/data/here',
      },
    }),
    ...server(namespace, 's3', {
      ...{ image: images.tools, port: 7070, user: 10_001, mountPath: '/data' },
      env: { ROOT_ACCESS_KEY_ID: accessKey, ROOT_SECRET_ACCESS_KEY: secretKey },
      command: [
        ...['sh', '-c'],
        'mkdir -p /data/buckets/eve /data/attributes && exec versitygw --quiet --port :7070 --region us-east-1 posix --sidecar /data/attributes /data/buckets',
      ],
    }),
  ];
}

interface Server {
  readonly image: string;
  readonly port: number;
  readonly user: number;
  readonly env: Readonly<Record<string, string>>;
  /** Where its data is. */
  readonly mountPath: string;
  readonly command?: readonly string[];
}

/** A pod with a Service before it that passes Pod Security's strictest level. */
function server(namespace: string, name: string, { image, port, user, env, mountPath, command }: Server): object[] {
  const metadata = { name, namespace, labels: { app: name } };
  const container = {
    ...{ name, image, ...(command && { command }) },
    env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
    volumeMounts: [{ name: 'data', mountPath }],
  };
  const securityContext = {
    ...{ runAsNonRoot: true, runAsUser: user, runAsGroup: user, fsGroup: user },
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const volumes = [{ name: 'data', emptyDir: {} }];
  return [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: name }, ports: [{ port }] } },
    { apiVersion: 'v1', kind: 'Pod', metadata, spec: { securityContext, volumes, containers: [container] } },
  ];
}

/** Made as the page about Kubernetes says. */
async function tokenKeys(): Promise<Record<'token.key' | 'token.crt', string>> {
  const directory = await mkdtemp(join(tmpdir(), 'eve-token-key-'));
  try {
    await runProgram({
      file: 'openssl',
      args: [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-sha256', '-days', '7300', '-subj', '/CN=eve-api'],
        ...['-keyout', 'token.key', '-out', 'token.crt'],
      ],
      cwd: directory,
    });
    const read = (name: string) => readFile(join(directory, name), 'utf8');
    return { 'token.key': await read('token.key'), 'token.crt': await read('token.crt') };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { testLogin, testRegistry } from '@eve/adapter-process/testing';
import type { Defer, FailureCase } from './scene.ts';
import { failingRegistry } from './servers.ts';

const run = promisify(execFile);
const manifest = 'registry:\n  host: REGISTRY\n  namespace: acme\nservices:\n  web:\n    build: .\n';
const files = { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' };
const secrets = { REGISTRY_USERNAME: testLogin.username, REGISTRY_PASSWORD: testLogin.password };
const isUpload = (method: string, path: string) => method === 'POST' && path.includes('/blobs/uploads');
const isManifest = (method: string, path: string) => method === 'PUT' && path.includes('/manifests/');

async function closedRegistry(defer: Defer): Promise<string> {
  const registry = await testRegistry({ htpasswd: testLogin.htpasswd });
  defer(() => registry[Symbol.asyncDispose]());
  return registry.host;
}

/** A registry whose disk holds less than an image. */
async function smallRegistry(defer: Defer): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'eve-small-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]);
  defer(async () => {
    await run('umount', [directory]);
    await rm(directory, { recursive: true });
  });
  const registry = await testRegistry({ storage: directory });
  defer(() => registry[Symbol.asyncDispose]());
  return registry.host;
}

/** Images that are built and cannot be kept. */
export const registryCases: readonly FailureCase[] = [
  {
    name: 'the registry refuses the password',
    manifest,
    files,
    given: async (_, defer) => ({
      host: await closedRegistry(defer),
      secrets: { ...secrets, REGISTRY_PASSWORD: 'not-the-password' },
    }),
    expect: {
      code: 'auth_error',
      phase: 'plan',
      message: /refuses the login/,
      hint: /REGISTRY_PASSWORD/,
      retry: false,
    },
  },
  {
    name: 'the registry’s credentials are not set',
    manifest,
    files,
    given: async (_, defer) => ({ host: await closedRegistry(defer) }),
    expect: {
      code: 'auth_error',
      phase: 'plan',
      message: /REGISTRY_USERNAME[\s\S]*REGISTRY_PASSWORD/,
      hint: /eve secrets set REGISTRY_USERNAME -/,
      retry: false,
    },
  },
  {
    name: 'nothing listens where the registry should be',
    manifest,
    files,
    given: async () => ({ host: '127.0.0.1:9', secrets }),
    expect: {
      code: 'registry_error',
      phase: 'prepare',
      message: /cannot be reached/,
      retry: true,
      retryClass: 'network',
    },
  },
  {
    name: 'the registry is out of order',
    manifest,
    files,
    given: async (_, defer) => ({
      secrets,
      host: await failingRegistry(isUpload, [503, {}, 'maintenance'], defer),
    }),
    expect: { code: 'registry_error', phase: 'push', message: /503/, retry: true, retryClass: 'network' },
  },
  {
    name: 'the registry limits the rate of pushes',
    manifest,
    files,
    given: async (_, defer) => ({
      secrets,
      host: await failingRegistry(
        isUpload,
        [429, { 'retry-after': '60' }, '{"errors":[{"code":"TOOMANYREQUESTS"}]}'],
        defer,
      ),
    }),
    expect: {
      code: 'registry_error',
      phase: 'push',
      message: /too many requests|429/i,
      retry: true,
      retryClass: 'registry_rate_limit',
    },
  },
  {
    name: 'the registry forbids to push there',
    manifest,
    files,
    given: async (_, defer) => ({
      secrets,
      host: await failingRegistry(isUpload, [403, {}, '{"errors":[{"code":"DENIED"}]}'], defer),
    }),
    expect: { code: 'auth_error', phase: 'push', message: /refused/, retry: false },
  },
  {
    name: 'the namespace does not exist in the registry',
    manifest,
    files,
    given: async (_, defer) => ({
      secrets,
      host: await failingRegistry(isUpload, [404, {}, '{"errors":[{"code":"NAME_UNKNOWN"}]}'], defer),
    }),
    expect: {
      code: 'registry_error',
      phase: 'push',
      message: /name unknown|404|not found/i,
      hint: /namespace/,
      retry: false,
    },
  },
  {
    name: 'the registry may only be read',
    manifest,
    files,
    given: async (_, defer) => {
      const registry = await testRegistry({ readOnly: true });
      defer(() => registry[Symbol.asyncDispose]());
      return { host: registry.host, secrets };
    },
    expect: { code: 'registry_error', phase: 'push', message: /405|unsupported/i, retry: false },
  },
  {
    name: 'the registry refuses the manifest',
    manifest,
    files,
    given: async (_, defer) => ({
      secrets,
      host: await failingRegistry(isManifest, [400, {}, '{"errors":[{"code":"MANIFEST_INVALID"}]}'], defer),
    }),
    expect: { code: 'registry_error', phase: 'push', message: /400|manifest invalid/i, retry: false },
  },
  {
    name: 'the registry has lost what was just pushed',
    manifest,
    files,
    given: async (_, defer) => ({ secrets, host: await failingRegistry(() => false, [500, {}, ''], defer) }),
    // Seen by the engine's client, or by Eve when it reads the digest back.
    expect: { code: 'registry_error', phase: 'push', message: /manifest unknown|does not hold/, retry: false },
  },
  {
    name: 'the disk of the registry is full',
    manifest,
    files: { Dockerfile: 'FROM debian:12-slim\nRUN true\n' },
    given: async (_, defer) => ({ secrets, host: await smallRegistry(defer) }),
    expect: { code: 'registry_error', phase: 'push', message: /pushed/, retry: true, retryClass: 'network' },
  },
];

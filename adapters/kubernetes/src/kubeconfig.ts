import { access, readFile } from 'node:fs/promises';
import { delimiter, dirname, resolve } from 'node:path';
import { PlatformError } from '@eve/domain';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { z } from 'zod';

/** Where a cluster and credentials for it are described. */
export interface KubeconfigPlace {
  /** A file, or several separated as in `KUBECONFIG`, that the operator names; null: looked for. */
  readonly kubeconfig: string | null;
  /** Where to look outside a pod, in this order; what is not there is passed over. */
  readonly otherwise?: readonly string[];
  /** Another context than the current one. */
  readonly context?: string;
  /** Below which the files of a pod's service account lie; `/` unless told. */
  readonly root?: string;
}

const Described = z.object({
  users: z
    .array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().optional() }).nullish() }))
    .nullish()
    .transform((users) => users ?? []),
});

const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** What the operator names; else the pod's own service account; else the first other place that exists. Null: none of them. */
export async function chooseKubeconfig(
  place: KubeconfigPlace,
  exists: (path: string) => Promise<boolean> = isThere,
): Promise<{ readonly files: readonly string[] } | 'service_account' | null> {
  if (place.kubeconfig !== null) return { files: filesOf(place.kubeconfig) };
  if (await exists(`${place.root ?? ''}${serviceAccountToken}`)) return 'service_account';
  for (const other of place.otherwise ?? []) {
    const files: string[] = [];
    for (const file of filesOf(other)) if (await exists(file)) files.push(file);
    if (files.length > 0) return { files };
  }
  return null;
}

/** Reads the chosen description anew. */
export async function loadKubeconfig(place: KubeconfigPlace): Promise<KubeConfig> {
  // 90 MB and a third of a second: only who has a cluster pays.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const chosen = await chooseKubeconfig(place);
  if (chosen === null) {
    throw invalid('There is neither a kubeconfig nor a service account of a pod: name one with EVE_KUBECONFIG.');
  }
  const config = new KubeConfig();
  if (chosen === 'service_account') {
    config.loadFromCluster(place.root ?? '');
    if (config.getCurrentCluster()?.server.includes('undefined')) {
      throw invalid('There is a service account, but the pod is not told where its API server is.');
    }
    return config;
  }
  for (const file of chosen.files) merge(config, await readKubeconfig(file, () => new KubeConfig()));
  if (place.context !== undefined) config.setCurrentContext(place.context);
  const context = config.getContextObject(config.getCurrentContext());
  const named = chosen.files.join(delimiter);
  if (!context) throw invalid(`The kubeconfig ${named} has no context "${config.getCurrentContext() ?? ''}".`);
  if (!config.getCurrentCluster()) throw invalid(`The kubeconfig ${named} has no cluster "${context.cluster}".`);
  return config;
}

/** As kubectl does: what an earlier file says stands. */
function merge(into: KubeConfig, other: KubeConfig): void {
  const isNew = (known: readonly { readonly name: string }[]) => (it: { readonly name: string }) =>
    !known.some(({ name }) => name === it.name);
  for (const it of other.clusters.filter(isNew(into.clusters))) into.addCluster(it);
  for (const it of other.users.filter(isNew(into.users))) into.addUser(it);
  for (const it of other.contexts.filter(isNew(into.contexts))) into.addContext(it);
  if (!into.getCurrentContext() && other.getCurrentContext()) into.setCurrentContext(other.getCurrentContext());
}

async function readKubeconfig(file: string, empty: () => KubeConfig): Promise<KubeConfig> {
  const path = resolve(file);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw invalid(`The kubeconfig ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  });
  const config = empty();
  try {
    config.loadFromString(text);
    const described = Described.parse(parse(text));
    for (const { name, user } of described.users) {
      // The library does not know this field, under which kubectl reads a token that others renew.
      if (!user?.tokenFile) continue;
      const tokenFile = resolve(dirname(path), user.tokenFile);
      config.users = config.users.map((it) =>
        it.name === name ? { ...it, authProvider: { name: 'tokenFile', config: { tokenFile } } } : it,
      );
    }
  } catch {
    // The parser's message quotes the text, which has keys in it.
    throw invalid(`The kubeconfig ${path} is no kubeconfig.`);
  }
  config.makePathsAbsolute(dirname(path));
  return config;
}

function filesOf(list: string): string[] {
  return list.split(delimiter).filter(Boolean);
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function invalid(message: string): PlatformError {
  return new PlatformError('request_invalid', message);
}

import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tryProgram } from './run-program.ts';

const policyFile = '/usr/sbin/policy-rc.d';
const refuseAll =
  '#!/bin/sh\n# Set for the time of one installation: packages must not start their services.\nexit 101\n';

/**
 * Keeps packages from starting their services until disposed, through Debian's own switch for it. What the machine had
 * in that place comes back, also after an installation that was killed.
 */
export async function holdServices(file = policyFile): Promise<AsyncDisposable> {
  const kept = `${file}.eve-kept`;
  const found = await contentOf(file);
  if (found !== null && found !== refuseAll) await rename(file, kept);
  await writeFile(file, refuseAll, { mode: 0o755 });
  return {
    async [Symbol.asyncDispose]() {
      if ((await contentOf(kept)) === null) await rm(file, { force: true });
      else await rename(kept, file);
    },
  };
}

/** Services that the packages bring along; Eve runs these programs itself. */
const servicesOf: Readonly<Record<string, readonly string[]>> = {
  'docker.io': ['docker.service', 'docker.socket', 'containerd.service'],
  containerd: ['containerd.service'],
  'docker-registry': ['docker-registry.service'],
  haproxy: ['haproxy.service'],
};

/** The services that packages are about to bring; what the machine has already is not among them. */
export async function newServices(packages: readonly string[]): Promise<string[]> {
  const units = packages.flatMap((name) => servicesOf[name] ?? []);
  const found = await Promise.all(units.map((unit) => contentOf(`/lib/systemd/system/${unit}`)));
  return units.filter((_, index) => found[index] === null);
}

/** Keeps services that were just installed from starting by themselves when the machine starts. */
export async function disableServices(units: readonly string[]): Promise<void> {
  for (const unit of units) {
    await tryProgram('systemctl', ['disable', unit]).catch(() => null);
    await tryProgram('update-rc.d', [unit.replace(/\..*$/, ''), 'disable']).catch(() => null);
  }
}

async function contentOf(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null);
}

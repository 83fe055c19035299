import { dockerEngine, listContainers } from '@eve/adapter-docker';
import { findEngine } from '@eve/local';
import type { EveClient } from '@eve/protocol-rest/client';
import { testEngine } from '../faults/test-engine.ts';
import type { Installation } from './installation.ts';

/** Where what is deployed runs, and how a test reaches it: the same journeys are made on each. */
export interface Ground {
  readonly name: 'docker' | 'kubernetes';
  /** The settings by which an Eve uses it. */
  settings(): Promise<NodeJS.ProcessEnv>;
  /** Where this machine reaches a service of an environment, or its first one. */
  urlOf(client: EveClient, project: string, environment: string, service: string | null): Promise<string>;
  /** Hosts beside this machine's own that requests of tests go to. */
  readonly hosts: RegExp;
  /** Names of the instances of an environment that run, whatever Eve says. */
  running(eve: Installation, environmentId: string): Promise<readonly string[]>;
}

/** The engine of the test run, which stands for one that a machine has already, else one that Eve starts. */
export const dockerGround: Ground = {
  name: 'docker',
  hosts: /^$/,
  settings: async () => testEngine,
  async urlOf(client, project, environment, service) {
    const { services } = await client.environmentStatus(project, environment);
    const urls = services.find(({ name }) => service === null || name === service)?.urls ?? [];
    const url = urls.find((each) => each.startsWith('http://127.0.0.1:'));
    if (url === undefined) throw new Error(`Service ${service ?? ''} has no address of its own.`);
    return url;
  },
  async running({ dataDir }, environmentId) {
    const found = await findEngine({ dataDir, dockerHost: testEngine.DOCKER_HOST ?? null });
    if (!found) throw new Error('There is no engine.');
    const labels = [`eve.environment=${environmentId}`, 'eve.role=instance'];
    return (await listContainers(dockerEngine({ socketPath: found.host }), labels)).map(({ Id }) => Id);
  },
};

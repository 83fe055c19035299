import { type BuildRun, type BuildSpec, encodeId, type Id, PlatformError, type Project, uuidV7 } from '@eve/domain';
import type { Caller, LogLine, Logs, Platform } from '@eve/operations';
import Fastify, { type FastifyInstance } from 'fastify';
import { refuseBeforeRouting, restRoutes } from '../src/index.ts';
import type { Operations } from '../src/operations.ts';

const at = new Date('2026-01-02T03:04:05.678Z');

/** The same id for the same prefix and number, in every run. */
export function idOf<Prefix extends string>(prefix: Prefix, number = 1): Id<Prefix> {
  return encodeId(prefix, uuidV7(at.getTime() + number, new Uint8Array(10)));
}

export const caller: Caller = {
  actor: 'token:test',
  tenantId: idOf('org'),
  scopes: ['admin'],
  projectId: null,
  operator: false,
};

export const project: Project = {
  id: idOf('proj'),
  tenantId: caller.tenantId,
  slug: 'shop',
  name: 'Shop',
  repoUrl: 'https://user:hunter2@git.example/shop',
  branch: 'main',
  repoTokenSecret: null,
  createdAt: at,
};

const owned = { tenantId: caller.tenantId, projectId: project.id };

export const spec: BuildSpec = {
  id: idOf('bld'),
  ...owned,
  number: 1,
  source: { kind: 'git', sha: 'a'.repeat(40) },
  target: 'image',
  gitSha: 'a'.repeat(40),
  manifestHash: 'b'.repeat(64),
  services: null,
  inputs: { timeoutMs: 900_000 },
  registry: null,
  cache: null,
  specKey: 'c'.repeat(64),
  createdBy: 'token:test',
  createdAt: at,
};

export const run: BuildRun = {
  id: idOf('brun'),
  ...owned,
  buildId: spec.id,
  status: 'pending',
  phase: null,
  backend: 'buildx',
  notes: [],
  attempt: 0,
  runnerRef: null,
  logsRef: null,
  failure: null,
  reusedFrom: null,
  cancelRequestedAt: null,
  cancelRequestedBy: null,
  cancelReason: null,
  retries: 0,
  queueDeadlineAt: null,
  limits: null,
  usage: null,
  verifies: null,
  verification: null,
  createdBy: null,
  createdAt: at,
  startedAt: null,
  completedAt: null,
};

export function lineOf(sequence: number, text = `line ${sequence}`): LogLine {
  const place = { attempt: 1, service: 'web', step: 'build', stream: 'stdout', level: 'info', code: null } as const;
  return { sequence, at, ...place, text };
}

/** A log in which a test adds lines, and which it ends. */
export function scriptedLog() {
  const lines: LogLine[] = [];
  let changed = Promise.withResolvers<void>();
  let final: { state: string; failure: null } | null = null;
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const logs: Pick<Logs, 'read' | 'follow'> = {
    async read(_subject, { after = 0, tail, limit = 1000, step }) {
      const found = lines.filter((line) => line.sequence > after && (step === undefined || line.step === step));
      return tail === undefined ? found.slice(0, limit) : found.slice(-tail);
    },
    async *follow(_subject, after, signal) {
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      for (let seen = after; !signal.aborted; await Promise.race([changed.promise, aborted])) {
        const fresh = lines.filter(({ sequence }) => sequence > seen);
        if (fresh.length > 0) yield fresh;
        seen = fresh.at(-1)?.sequence ?? seen;
        if (fresh.length > 0) continue;
      }
    },
  };
  const log = {
    subject: { tenantId: caller.tenantId, id: run.id },
    finished: async () => final,
    waiting: async () => (lines.length === 0 ? 'Waiting at position 2: the builder is full.' : null),
  };
  return {
    logs,
    log,
    add: (...texts: string[]) => {
      for (const text of texts) lines.push(lineOf(lines.length + 1, text));
      wake();
    },
    end: (state: string) => {
      final = { state, failure: null };
    },
  };
}

export interface Scripted {
  readonly app: FastifyInstance;
  /** What was written to the server's log. */
  readonly logged: { fields: object; sentence: string }[];
}

/** The API over scripted operations: those that a test does not give fail it. */
export async function scriptedApi(
  operations: Partial<Operations>,
  platform: Partial<Record<keyof Platform, unknown>> = {},
): Promise<Scripted> {
  const logged: Scripted['logged'] = [];
  const write = (fields: object, sentence: string) => logged.push({ fields, sentence });
  const standard: Partial<Operations> = {
    authenticate: async (_platform, text) => {
      if (text === 'eve_good') return caller;
      throw new PlatformError('unauthenticated', 'This token is not known here.');
    },
    getProject: async (_platform, _caller, idOrSlug) => {
      if (idOrSlug === project.slug || idOrSlug === project.id) return project;
      throw new PlatformError('project_not_found', `There is no project ${idOrSlug}.`);
    },
    buildRunWaiting: async () => null,
  };
  const log = { info: write, warn: write, error: write };
  const app = Fastify({ forceCloseConnections: true, frameworkErrors: refuseBeforeRouting(log) });
  await app.register(restRoutes, {
    version: '1.2.3',
    // Only the parts that a test's routes touch are there.
    platform: {
      now: () => at,
      log,
      settings: { registryHost: '127.0.0.1:5000' },
      ...platform,
    } as unknown as Platform,
    operations: { ...standard, ...operations } as Operations,
  });
  return { app, logged };
}

export const authorization = { authorization: 'Bearer eve_good' };

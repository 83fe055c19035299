import { createHash, timingSafeEqual } from 'node:crypto';
import {
  grantRegistryScopes,
  PlatformError,
  parseRegistryScope,
  type RegistryRight,
  type RegistryScope,
  type Scope,
} from '@eve/domain';
import { projectPrefix } from '../builds/image-place.ts';
import type { Caller } from '../caller.ts';
import type { Platform } from '../platform.ts';
import { refuseWhileClosed } from '../retention/registry-gate.ts';
import { authenticate } from '../tokens/authenticate.ts';

/** The answer of the Docker token protocol. */
export interface RegistryTokenAnswer {
  readonly token: string;
  readonly expires_in: number;
  readonly issued_at: string;
}

/** What a client asks the registry's token service: who it is, and scopes as the registry named them. */
export interface RegistryTokenRequest {
  readonly username?: string;
  readonly password?: string;
  readonly service: string;
  readonly scopes: readonly string[];
}

type Needs = Pick<Platform, 'store' | 'now' | 'registryTokens' | 'registryLogins' | 'settings'>;

interface Holder {
  readonly subject: string;
  readonly rights: readonly RegistryRight[];
}

/** Base images that everybody may pull. */
const forEverybody: RegistryRight = { prefix: 'library/', actions: ['pull'] };

/**
 * A token with the allowed part of what is asked, which may be nothing; a part that is not allowed is no error.
 * Throws `unauthenticated` for a wrong password and `registry_unavailable` when Eve runs no registry.
 */
export async function issueRegistryToken(
  p: Needs,
  { username, password, service, scopes }: RegistryTokenRequest,
): Promise<RegistryTokenAnswer> {
  const { subject, rights } = await holderOf(p, username ?? '', password ?? '');
  const asked = separate(scopes)
    .map(parseRegistryScope)
    .filter((scope) => scope !== null);
  return sign(p, subject, service, grantRegistryScopes(asked, [...rights, forEverybody]));
}

/** What a worker asks for with the internal key of the installation. */
export interface InternalRegistryTokenRequest {
  readonly internalKey: string | undefined;
  readonly service: string;
  readonly scopes: readonly string[];
  /** Organisation and project it works for, such as `acme/shop`: the token then opens nothing else. */
  readonly project?: string | undefined;
}

/**
 * A token for Eve's own workers: for what a project owns when they name it, else for every repository. Throws
 * `unauthenticated`, `request_invalid`, and `registry_unavailable` when Eve runs no registry.
 */
export async function issueInternalRegistryToken(
  p: Pick<Platform, 'store' | 'registryTokens' | 'settings'>,
  { internalKey, service, scopes, project }: InternalRegistryTokenRequest,
): Promise<RegistryTokenAnswer> {
  if (!isInternalKey(p, internalKey ?? '')) {
    throw new PlatformError('unauthenticated', 'This needs the internal key of the installation.');
  }
  const asked = separate(scopes).map((text) => {
    const scope = parseRegistryScope(text);
    if (scope?.type === 'repository' && scope.actions.every(isAction)) return scope;
    throw new PlatformError(
      'request_invalid',
      `"${text.slice(0, 200)}" is no scope such as repository:acme/shop/web:pull,push.`,
    );
  });
  const prefix = project === undefined ? '' : prefixOf(project);
  return sign(p, 'eve-worker', service, grantRegistryScopes(asked, [{ prefix, actions: ['*'] }]));
}

function isAction(action: string): boolean {
  return ['pull', 'push', 'delete', '*'].includes(action);
}

function prefixOf(text: string): string {
  const [, organisation, project] = /^([a-z0-9-]+)\/([a-z0-9-]+)$/.exec(text) ?? [];
  if (organisation && project) return projectPrefix({ organisation, project });
  throw new PlatformError('request_invalid', 'A project is named by its organisation and itself, such as acme/shop.');
}

async function holderOf(p: Needs, username: string, password: string): Promise<Holder> {
  if (username === '' && password === '') return { subject: 'anonymous', rights: [] };
  if (isInternalKey(p, password)) return { subject: 'eve-worker', rights: [{ prefix: '', actions: ['*'] }] };
  if (password.startsWith('eve_')) return holderOfToken(p, await authenticate(p, password));

  const login = await p.registryLogins.check(username, password, p.now());
  if (!login) throw new PlatformError('unauthenticated', 'The user name or password for the registry is wrong.');
  // An empty prefix would open everything.
  const rights = login.prefix.endsWith('/') ? [{ prefix: login.prefix, actions: login.actions }] : [];
  return { subject: login.subject, rights };
}

/** A token opens its organisation's repositories, or its project's: `read` pulls, `build` pushes. */
async function holderOfToken({ store }: Pick<Platform, 'store'>, caller: Caller): Promise<Holder> {
  const organisation = await store.organisations.get(caller.tenantId);
  const project = caller.projectId && (await store.projects.get(caller.tenantId, caller.projectId));
  const prefix = project ? `${organisation.slug}/${project.slug}/` : `${organisation.slug}/`;
  const may = (scope: Scope) => caller.scopes.includes(scope) || caller.scopes.includes('admin');
  const actions: ('pull' | 'push')[] = [];
  if (may('read') || may('build')) actions.push('pull');
  if (may('build')) actions.push('push');
  return { subject: caller.actor, rights: [{ prefix, actions }] };
}

async function sign(
  { store, registryTokens, settings }: Pick<Platform, 'store' | 'registryTokens' | 'settings'>,
  subject: string,
  service: string,
  scopes: readonly RegistryScope[],
): Promise<RegistryTokenAnswer> {
  if (!registryTokens)
    throw new PlatformError('registry_unavailable', 'Eve runs no registry here, so it signs no tokens for one.');
  if (service !== '' && service !== settings.registryService) {
    throw new PlatformError('request_invalid', `The registry's service is "${settings.registryService}", not another.`);
  }
  if (scopes.some(({ actions }) => actions.includes('push') || actions.includes('*')))
    await refuseWhileClosed({ store });
  const signed = await registryTokens.sign({ subject, service: settings.registryService, scopes });
  return { token: signed.token, expires_in: signed.expiresInSeconds, issued_at: signed.issuedAt.toISOString() };
}

/** Scopes come one by one, or several in a text with spaces between. */
function separate(scopes: readonly string[]): string[] {
  return scopes.flatMap((text) => text.split(' ')).filter(Boolean);
}

/** Compared by hash, so that time tells neither the key nor its length. */
function isInternalKey({ settings }: Pick<Platform, 'settings'>, given: string): boolean {
  if (!settings.internalApiKey || given === '') return false;
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(settings.internalApiKey));
}

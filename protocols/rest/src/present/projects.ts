import type { ApiToken, Organisation, Project } from '@eve/domain';
import type { Caller, TransitionRecord } from '@eve/operations';
import type * as contract from '../contract/index.ts';
import { iso } from './time.ts';

export function presentOrganisation({ id, slug, name, tier, createdAt }: Organisation): contract.Organisation {
  return { id, slug, name, tier, created_at: iso(createdAt) };
}

export function presentProject(project: Project): contract.Project {
  return {
    id: project.id,
    org_id: project.tenantId,
    slug: project.slug,
    name: project.name,
    repo_url: project.repoUrl === null ? null : withoutCredentials(project.repoUrl),
    branch: project.branch,
    repo_token_secret: project.repoTokenSecret,
    created_at: iso(project.createdAt),
  };
}

/** A URL may have been given with a password in it; it is never shown again. */
function withoutCredentials(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*:[^/@]*@/i, '$1');
}

export function presentToken(token: ApiToken): contract.Token {
  return {
    id: token.id,
    name: token.name,
    scopes: [...token.scopes],
    project_id: token.projectId,
    created_at: iso(token.createdAt),
    expires_at: iso(token.expiresAt),
    revoked_at: iso(token.revokedAt),
  };
}

export function presentCaller({ actor, tenantId, projectId, scopes, operator }: Caller): contract.Me {
  return {
    auth_enabled: true,
    authenticated: true,
    actor,
    org_id: tenantId,
    project_id: projectId,
    scopes: [...scopes],
    is_admin: operator,
  };
}

export function presentEvent(record: TransitionRecord): contract.Event {
  return {
    sequence: record.sequence,
    subject_kind: record.subjectKind,
    subject_id: record.subjectId,
    from: record.from,
    to: record.to,
    event: record.event,
    actor: record.actor,
    at: iso(record.at),
  };
}

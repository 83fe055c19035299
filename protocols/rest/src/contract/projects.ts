import { scopes } from '@eve/domain';
import { z } from 'zod';
import { OrganisationId, ProjectId, ProjectName, Timestamp, TokenId } from './fields.ts';

const name = z.string().trim().min(1).max(100);
const slug = z
  .string()
  .max(20)
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single hyphens, at most 20');

export const Tier = z.enum(['free', 'pro', 'enterprise', 'dedicated']);

export const Organisation = z
  .object({ id: OrganisationId, slug: z.string(), name: z.string(), tier: Tier, created_at: Timestamp })
  .meta({ id: 'Organisation' });
export type Organisation = z.infer<typeof Organisation>;

export const CreateOrganisation = z.strictObject({ name, slug: slug.optional(), tier: Tier.optional() });
export type CreateOrganisation = z.input<typeof CreateOrganisation>;

export const Project = z
  .object({
    id: ProjectId,
    org_id: OrganisationId,
    slug: z.string(),
    name: z.string(),
    repo_url: z.string().nullable(),
    branch: z.string(),
    repo_token_secret: z.string().nullable(),
    created_at: Timestamp,
  })
  .meta({ id: 'Project' });
export type Project = z.infer<typeof Project>;

export const CreateProject = z.strictObject({
  name,
  slug: slug.optional(),
  repo_url: z.string().trim().min(1).max(2000).nullish(),
  branch: z.string().trim().min(1).max(250).optional(),
  repo_token_secret: z.string().min(1).max(128).nullish(),
  org_id: z.string().min(1).max(64).optional().describe('id or slug of your own organisation'),
});
export type CreateProject = z.input<typeof CreateProject>;

export const EnsuredProject = Project.extend({ created: z.boolean() }).meta({ id: 'EnsuredProject' });
export type EnsuredProject = z.infer<typeof EnsuredProject>;

export const UpdateProject = CreateProject.omit({ slug: true, org_id: true }).partial();
export type UpdateProject = z.input<typeof UpdateProject>;

export const Scope = z.enum(scopes);

export const Token = z
  .object({
    id: TokenId,
    name: z.string(),
    scopes: z.array(Scope),
    project_id: ProjectId.nullable(),
    created_at: Timestamp,
    expires_at: Timestamp.nullable(),
    revoked_at: Timestamp.nullable(),
  })
  .meta({ id: 'Token' });
export type Token = z.infer<typeof Token>;

export const CreateToken = z.strictObject({
  name,
  scopes: z.array(Scope).min(1),
  project_id: ProjectName.nullish(),
  expires_in_days: z.int().min(1).max(3650).nullish(),
});
export type CreateToken = z.input<typeof CreateToken>;

export const CreatedToken = Token.extend({
  token: z.string().nullable().describe('shown once: null when an Idempotency-Key repeats the answer'),
}).meta({ id: 'CreatedToken' });
export type CreatedToken = z.infer<typeof CreatedToken>;

export const Me = z
  .object({
    auth_enabled: z.literal(true),
    authenticated: z.literal(true),
    actor: z.string(),
    org_id: OrganisationId,
    project_id: ProjectId.nullable().describe('null: every project of the organisation'),
    scopes: z.array(Scope),
    is_admin: z.boolean().describe('the operator of the installation'),
  })
  .meta({ id: 'Me' });
export type Me = z.infer<typeof Me>;

import { type ErrorDetail, PlatformError } from '@eve/domain';
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';

/** Checks params, query and body by the contract; an error names every wrong field. An absent body is an empty object. */
export const validateByContract: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const isBody = httpPart === 'body';
  return (value: unknown) => {
    const result = schema.safeParse(isBody ? (value ?? {}) : value);
    return result.success ? { value: result.data } : { error: invalid(result.error, isBody ? 'body' : 'address') };
  };
};

function invalid({ issues }: z.ZodError, where: string): PlatformError {
  const details = issues.flatMap((issue) => detailsOf(issue));
  const [first, ...rest] = details;
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`;
  const about = first?.path ? `${first.path} ${first.message}` : `the ${where} ${first?.message ?? 'is wrong'}`;
  return new PlatformError('request_invalid', `Validation failed: ${about}${more}.`, { details });
}

function detailsOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[] = []): ErrorDetail[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key].map(String).join('.'), message: 'is not a known field' }));
  }
  if (issue.code === 'invalid_key') {
    const [problem] = issue.issues;
    return [{ path: path.map(String).join('.'), message: problem?.message ?? 'is not a valid name' }];
  }
  if (issue.code === 'invalid_union') {
    // The alternative that went furthest is the one that was meant.
    const nested = issue.errors.map((issues) => issues.flatMap((inner) => detailsOf(inner, path)));
    const deepest = nested.find((details) => details.every(({ path: at }) => at.split('.').length > path.length));
    if (deepest && deepest.length > 0) return deepest;
    return [{ path: path.map(String).join('.'), message: 'has none of the forms that are allowed here' }];
  }
  return [{ path: path.map(String).join('.'), message: sentence(issue) }];
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.input === undefined && /received undefined/.test(issue.message)) {
    return 'is required';
  }
  if (issue.code === 'invalid_value') return `must be one of: ${issue.values.map(String).join(', ')}`;
  return /^(must|is|has)\b/.test(issue.message) ? issue.message : `is wrong: ${lowerFirst(issue.message)}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

import { PlatformError } from '@eve/domain';
import type { FastifyInstance } from 'fastify';

/** JSON, where an empty body is no body; git packs as streams; anything else is refused with advice. */
export function addBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = String(body);
    if (text.trim() === '') return done(null, undefined);
    return parseJson(request, text, (error, value) => done(error ?? refusalOf(value), value));
  });
  app.addContentTypeParser('application/x-git-pack', (_request, payload, done) => done(null, payload));
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else done(new PlatformError('body_invalid', 'Send the body as JSON, with the content type application/json.'));
  });
}

function refusalOf(body: unknown): PlatformError | null {
  const path = unstorable(body);
  if (path === null) return null;
  const details = [{ path, message: 'holds a NUL character or half of a surrogate pair' }];
  return new PlatformError('body_invalid', `The text of ${path || 'the body'} cannot be stored.`, { details });
}

/** The path of the first text that no database takes: with a NUL, or not well-formed Unicode. */
function unstorable(value: unknown, path = ''): string | null {
  if (typeof value === 'string') return isStorable(value) ? null : path;
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, inner] of Object.entries(value)) {
    if (!isStorable(name)) return path;
    const found = unstorable(inner, path === '' ? name : `${path}.${name}`);
    if (found !== null) return found;
  }
  return null;
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

import { createHash } from 'node:crypto';
import type { FastifyPluginAsync } from 'fastify';
import type { OpenAPIV3_1 } from 'openapi-types';

const style = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2rem;text-transform:capitalize}code{font-family:ui-monospace,monospace}dt{margin-top:.6rem}dd{margin:0 0 0 4.5rem;opacity:.8}
b{display:inline-block;width:4.5rem;font-weight:600}`;

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The OpenAPI document, and a page that lists its operations without anything from elsewhere. */
export const docsRoutes: FastifyPluginAsync = async (app) => {
  let page: string | undefined;

  app.get('/openapi.json', { config: { isPublic: true }, schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(app.swagger())),
  );

  app.get('/docs', { config: { isPublic: true }, schema: { hide: true } }, async (_request, reply) => {
    // The plugin is set up for OpenAPI 3.1, so the document is one.
    page ??= docsPage(app.swagger() as OpenAPIV3_1.Document);
    return reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(page);
  });
};

/** The page as text: operations by tag, each with its path and what it does. */
export function docsPage({ info, paths = {} }: OpenAPIV3_1.Document): string {
  const byTag = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete'] as const) {
      const operation = methods?.[method];
      if (!operation) continue;
      const tag = operation.tags?.[0] ?? 'other';
      const entry = `<dt id="${html(operation.operationId ?? '')}"><b>${method.toUpperCase()}</b><code>${html(path)}</code></dt>
<dd>${html(operation.summary ?? '')}</dd>`;
      byTag.set(tag, [...(byTag.get(tag) ?? []), entry]);
    }
  }
  const sections = [...byTag].map(([tag, entries]) => `<h2>${html(tag)}</h2>\n<dl>\n${entries.join('\n')}\n</dl>`);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${html(info.title)}</title><style>${style}</style></head>
<body>
<h1>${html(info.title)} ${html(info.version)}</h1>
<p>Send a token with every request: <code>Authorization: Bearer eve_…</code>. The whole description, with every field, is <a href="/openapi.json">openapi.json</a>.</p>
${sections.join('\n')}
</body>
</html>
`;
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

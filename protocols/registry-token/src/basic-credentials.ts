/** User name and password of a Basic `Authorization` header; nothing when there is none. */
export function basicCredentials(header: string | undefined): { username?: string; password?: string } {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+)\s*$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return header ? { username: '', password: header.slice(0, 1_000) } : {};
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0
    ? { username: text, password: '' }
    : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

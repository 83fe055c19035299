/** Names of this machine and of the inside of a cluster. */
const insecureNames = [
  /^localhost$/,
  /\.localhost$/,
  /^127(?:\.\d{1,3}){3}$/,
  /^\[::1\]$/,
  /^host\.docker\.internal$/,
  /\.svc$/,
  /\.cluster\.local$/,
  /^k3d-registry/,
  /^eve-registry/,
];

/**
 * Whether a registry is spoken to over plain HTTP, or TLS that nobody verifies: because of its name, or because the
 * operator named it, with or without a port. `*` stands for every registry.
 */
export function isInsecureRegistry(host: string, insecureHosts: readonly string[]): boolean {
  const name = nameOf(host);
  return (
    insecureHosts.includes('*') || insecureNames.some((it) => it.test(name)) || isNamedInsecure(host, insecureHosts)
  );
}

/** Whether the operator named this very host, and so knows where it leads. */
export function isNamedInsecure(host: string, insecureHosts: readonly string[]): boolean {
  const [asked, name] = [host.toLowerCase(), nameOf(host)];
  return insecureHosts.some((named) => named.toLowerCase() === asked || named.toLowerCase() === name);
}

function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '');
}

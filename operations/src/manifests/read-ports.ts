import type { ServicePort } from '@eve/domain';
import { type Field, type Fields, fail, integerOf, isMapping, itemsOf, recordOf, textOf, warn } from './field.ts';
import { keysOf } from './schema.ts';
import { PortFile } from './schema-service.ts';

const keys = keysOf(PortFile);
const shortForm = /^(?:(\[[0-9a-fA-F:]+\]|[^:]*):)?(?:(\d*):)?(\d+)(?:\/(tcp|udp))?$/;

/** What is routed from outside: short forms (`8080`, `80:3000`, `127.0.0.1:80:3000`, `5432/tcp`) and the long one. */
export function readPorts(field: Field | undefined): ServicePort[] {
  const ports = new Map<number, ServicePort>();
  for (const item of field ? (itemsOf(field, 'a list of ports') ?? []) : []) {
    const port = isMapping(item) ? readLongPort(item) : readShortPort(item);
    if (port && ports.has(port.container)) fail(item, `Port ${port.container} stands in the list twice; remove one.`);
    else if (port) ports.set(port.container, port);
  }
  return [...ports.values()];
}

function readShortPort(field: Field): ServicePort | null {
  const text = textOf(field, 'a port such as 8080 or "80:3000"');
  if (text === null) return null;
  if (/\d-\d/.test(text)) return fail(field, `\`${text}\` is a range of ports; list each port.`);
  let [, first, second, container, protocol] = shortForm.exec(text) ?? [];
  if (container === undefined) return fail(field, `\`${text}\` is no port; write 8080, "80:3000" or "5432/tcp".`);
  if (second === undefined && first !== undefined && /^\d+$/.test(first)) [first, second] = [undefined, first];
  if (second === undefined && first) {
    return fail(field, `\`${text}\` names no port on the machine; write "${first}:80:${container}" or "${container}".`);
  }
  if (protocol === 'udp') return fail(field, `\`${text}\`: UDP is not routed; only HTTP and TCP are.`);
  if (first && !/^(127\.0\.0\.1|localhost|0\.0\.0\.0|\[::1?\])$/.test(first)) {
    warn(field, `\`${first}\` has no effect: ports are published on the address of the router.`);
  }
  const target = portNumber(field, container);
  const published = second ? portNumber(field, second) : null;
  if (target === null || (second && published === null)) return null;
  return { container: target, published, protocol: protocol === 'tcp' ? 'tcp' : 'http' };
}

function readLongPort(field: Field): ServicePort | null {
  const fields = recordOf(field, keys);
  const targetField = fields.get('target');
  if (!targetField) return fail(field, 'Name the port in the container as `target`.');
  const publishedField = fields.get('published');
  const container = integerOf(targetField, 1, 65535);
  const published = publishedField ? integerOf(publishedField, 1, 65535) : null;
  if (container === null || (publishedField && published === null)) return null;
  return { container, published, protocol: longProtocol(fields) };
}

function longProtocol(fields: Fields): ServicePort['protocol'] {
  const protocolField = fields.get('protocol');
  if (protocolField && textOf(protocolField) === 'udp') {
    fail(protocolField, 'UDP is not routed; only HTTP and TCP are.');
  }
  const appField = fields.get('app_protocol');
  return appField && !/^(http|https|http2|h2c|grpc|ws|wss)$/i.test(textOf(appField) ?? '') ? 'tcp' : 'http';
}

function portNumber(field: Field, text: string): number | null {
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : fail(field, `${text} is no port; ports go from 1 to 65535.`);
}

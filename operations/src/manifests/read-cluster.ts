import type { Autoscale, Service } from '@eve/domain';
import * as f from './field.ts';
import { keysOf } from './schema.ts';
import { AutoscaleFile } from './schema-service.ts';

const keys = keysOf(AutoscaleFile);
const most = 1000;
const usualCpu = 80;
const hostPattern = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** How many instances there are at least, and between which numbers the runtime may choose. */
export function readScale(
  replicasAt: f.Field | undefined,
  field: f.Field | undefined,
): Pick<Service, 'replicas' | 'autoscale'> {
  const asked = replicasAt ? f.integerOf(replicasAt, 0, 100) : null;
  if (!field) return { replicas: asked ?? 1, autoscale: null };
  const fields = f.recordOf(field, keys, 'a mapping with `max`');
  const minAt = fields.get('min');
  const maxAt = fields.get('max');
  const min = minAt ? f.integerOf(minAt, 1, 100) : null;
  const max = maxAt
    ? f.integerOf(maxAt, 1, most)
    : f.fail(field, 'Write how many instances there are at most as `max`.');
  const replicas = asked ?? min ?? 1;
  if (minAt && min !== null && min !== replicas)
    f.warn(minAt, `\`min\` has no effect beside \`deploy.replicas\`: ${replicas} is the least.`);
  if (max === null) return { replicas, autoscale: null };
  if (replicas === 0) {
    f.warn(field, '`autoscale` has no effect on a service without instances.');
    return { replicas, autoscale: null };
  }
  if (maxAt && max < replicas) f.fail(maxAt, `\`max\` is less than the ${replicas} instances that there are at least.`);
  const memoryPercent = readPercent(fields.get('memory'));
  const cpuPercent = readPercent(fields.get('cpu')) ?? (memoryPercent === null ? usualCpu : null);
  return { replicas, autoscale: { min: replicas, max, cpuPercent, memoryPercent } satisfies Autoscale };
}

function readPercent(field: f.Field | undefined): number | null {
  const text = field ? f.textOf(field, 'a percentage such as 70') : null;
  if (!field || text === null) return null;
  const value = /^\s*(\d{1,3})\s*%?\s*$/.exec(text)?.[1];
  if (value !== undefined && Number(value) >= 1) return Number(value);
  return f.fail(field, `\`${text}\` is no percentage; write one such as 70.`);
}

/** A whole host name for a service's first port. */
export function readHost(field: f.Field | undefined, ports: Service['ports']): string | null {
  const text = field ? f.textOf(field, 'a host name such as shop.example.com') : null;
  if (!field || text === null) return null;
  const host = text.toLowerCase();
  if (host.length > 253 || !hostPattern.test(host))
    return f.fail(field, `\`${text}\` is no host name; write one such as shop.example.com.`);
  if (ports[0]?.protocol === 'http') return host;
  f.warn(field, '`host` has no effect: the first port of the service is none of HTTP.');
  return null;
}

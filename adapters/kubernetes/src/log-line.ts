import type { ClusterLine } from './cluster.ts';

const stamped = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?/;

/** A line as the kubelet writes it: the container runtime's time, in the machine's time zone, and what was printed. */
export function logLine(line: string): ClusterLine | null {
  const [stamp, seconds = '', fraction = '', zone = 'Z'] = stamped.exec(line) ?? [];
  if (stamp === undefined) return null;
  const whole = new Date(`${seconds}${zone}`);
  if (Number.isNaN(whole.getTime())) return null;
  const nanoseconds = fraction.padEnd(9, '0');
  return {
    at: new Date(whole.getTime() + Number(nanoseconds.slice(0, 3))),
    time: `${whole.toISOString().slice(0, 19)}.${nanoseconds}Z`,
    text: line.slice(stamp.length),
  };
}

/** What the kubelet says instead of a log when the runtime no longer has the container. */
export function saysGone(line: string): boolean {
  return /^unable to retrieve container logs for |^rpc error: code = NotFound |failed to try resolving symlinks/.test(
    line,
  );
}

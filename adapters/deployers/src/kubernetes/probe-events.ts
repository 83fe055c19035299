import type { Container, Event, Pod, Probe } from '@eve/adapter-kubernetes';
import type { ProbeResult } from '@eve/domain';

export type ProbeName = 'readiness' | 'liveness' | 'startup';

/** A probe that failed, as the kubelet told it. */
export interface FailedProbe extends ProbeResult {
  readonly ok: false;
  readonly probe: ProbeName;
}

/** What the kubelet told of probes that failed, oldest first: of answers that repeat, the first and the last. */
export function failedProbes(pod: Pod, events: readonly Event[]): FailedProbe[] {
  const failed = events.flatMap((event): FailedProbe[] => {
    const [, name = '', said] = /^(\w+) probe (?:failed|errored|warning)[^:]*: (.*)$/s.exec(event.message ?? '') ?? [];
    const probe = probeNames[name.toLowerCase()];
    if (event.reason !== 'Unhealthy' || !probe || said === undefined) return [];
    const [container] = pod.spec.containers;
    const detail = `${probeTitle(container, probe)}${answerOf(said, container?.[`${probe}Probe`])}`;
    const [first, last] = timesOf(event);
    const results = first.getTime() === last.getTime() ? [last] : [first, last];
    return results.map((at) => ({ at, ok: false, detail, probe }));
  });
  return failed.toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

/** The same as a report of an instance has it. */
export function asResults(failed: readonly FailedProbe[]): ProbeResult[] {
  return failed.map(({ at, ok, detail }) => ({ at, ok, detail }));
}

/** What a container is asked, such as `GET /health` or `connect port 3000`. */
export function probeTitle(container: Container | undefined, probe: ProbeName): string {
  const asked = container?.[`${probe}Probe`];
  if (asked?.httpGet) return `GET ${asked.httpGet.path ?? '/'}`;
  if (asked?.tcpSocket) return `connect port ${asked.tcpSocket.port}`;
  return 'health check';
}

/** When an event was seen first and last; newer reporters keep that elsewhere. */
export function timesOf(event: Event): readonly [Date, Date] {
  const made = event.metadata.creationTimestamp ?? 0;
  const first = event.firstTimestamp ?? event.eventTime ?? made;
  const last = event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime ?? made;
  return [new Date(first), new Date(last)];
}

const probeNames: Readonly<Record<string, ProbeName | undefined>> = {
  readiness: 'readiness',
  liveness: 'liveness',
  startup: 'startup',
};

const longestSaid = 300;

function answerOf(said: string, asked: Probe | undefined): string {
  const status = /^HTTP probe failed with statuscode: (\d+)/.exec(said)?.[1];
  if (status) return `: ${status}`;
  if (/timed? ?out|deadline exceeded|Timeout exceeded/i.test(said)) return ': no answer in time';
  if (asked?.exec) return ` failed${said.trim() ? `: ${firstOf(said.trim())}` : ''}`;
  if (/connection refused/.test(said)) return ': refused';
  if (/EOF|connection reset|server closed/.test(said)) return ': closed without an answer';
  return `: ${firstOf(said.replace(/^Get "[^"]*": /, ''))}`;
}

/** A part of a long text, without the word that is cut in two: half a secret would not be recognised as one. */
function firstOf(text: string): string {
  return text.length <= longestSaid ? text : text.slice(0, longestSaid).replace(/\S+$/, '…');
}

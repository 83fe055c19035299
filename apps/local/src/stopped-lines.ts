import type { Stopped } from './stop-everything.ts';

/** What `npm stop` has done, and how what was deployed comes back. */
export function stoppedLines({ removed }: Stopped, volumes: boolean): string[] {
  if (!volumes) return ['Everything of this installation has stopped; `npm start` brings it back.'];
  const stopped =
    'Everything of this installation has stopped; `npm start` brings Eve back, with its records and its registry.';
  if (removed === null)
    return [
      stopped,
      'No engine answered, so containers and volumes are still there: to remove them, `npm start`, then stop again.',
    ];
  if (removed.containers + removed.volumes === 0) return [stopped, 'Nothing was deployed, so nothing was removed.'];
  return [
    stopped,
    `Removed: ${counted(removed.containers, 'container')} of what was deployed and ${counted(removed.volumes, 'volume')} with their data.`,
    'What was deployed does not come back by itself. After `npm start`, for each environment:',
    '  eve env status <env>                    names the revision that served',
    '  eve env repair <env>                    starts it again, with empty volumes',
    'Or deploy anew: eve env deploy <env> …',
  ];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

import { command, flag, number, text } from '../../command.ts';
import { queueLines } from '../../show/queue.ts';

export const queueList = command({
  name: 'queue list',
  summary: 'list what runs and what waits: why, at which place, since when',
  options: {
    class: text('<class>', 'only build, deploy or control; builds and deploys when left out'),
    all: flag('of every organisation, for an operator'),
    limit: number('<n>', 'at most so many, up to 100 (20)'),
    cursor: text('<cursor>', 'go on where the page before ended'),
  },
  examples: ['eve queue list', 'eve queue list --class build --json | jq .lanes'],

  async run({ api, answer }, { class: only, all, limit, cursor }) {
    const queue = await api.listQueue({
      // The server knows which classes there are and says so.
      ...(only && { class: only as 'build' }),
      ...(all && { all }),
      ...(limit !== undefined && { limit }),
      ...(cursor && { cursor }),
    });
    answer(queue, () => queueLines(queue));
  },
});

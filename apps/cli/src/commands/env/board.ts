import { command } from '../../command.ts';
import { boardTable } from '../../show/board.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const envBoard = command({
  name: 'env board',
  summary: 'show what runs where, over all projects; with --project of one',
  options: paging,

  async run(context, options) {
    const project = context.projectFlag ?? null;
    const board = await context.api.board(project, pageQuery(options));
    context.answer(board, () =>
      listed(board, 'environment', (entries) => boardTable(entries, { projects: project === null })),
    );
    if (!board.engine_available) context.warn('The engine does not answer: what runs is not known now.');
  },
});

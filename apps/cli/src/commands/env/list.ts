import { command } from '../../command.ts';
import { boardTable } from '../../show/board.ts';
import { listed, pageQuery, paging } from '../paging.ts';

export const envList = command({
  name: 'env list',
  summary: 'list the environments of a project: what runs where, since when, by whom',
  options: paging,

  async run(context, options) {
    const project = await context.project();
    if (context.json) {
      context.answer(await context.api.listEnvironments(project, pageQuery(options)), () => []);
      return;
    }
    const board = await context.api.board(project, pageQuery(options));
    context.answer(board, () => listed(board, 'environment', (entries) => boardTable(entries, { projects: false })));
    if (!board.engine_available) context.warn('The engine does not answer: what runs is not known now.');
  },
});

import type { BuildId, ProjectId } from '@eve/domain';
import type { Page, Store } from '@eve/operations';
import { type BenchDatabase, withDatabase } from './database.ts';
import { type Figure, measured, median, quantile, round } from './figure.ts';
import { commits, days, fillBuilds, runs } from './list-rows.ts';
import type { Scene } from './scene.ts';

const rounds = 100;
const limit = 20;

type Tenant = Awaited<ReturnType<BenchDatabase['tenant']>>;
type Filters = Omit<Parameters<Store['buildSpecs']['list']>[2], keyof Page>;
type Places = Readonly<Record<string, Omit<Page, 'limit'>>>;

/** Every combination of filters, of what is common and of what is rare and old, at each place of the list; and the runs of one build. */
export async function list(scene: Scene): Promise<Figure[]> {
  const times = await withDatabase(scene.directory, async (place) => {
    const [mine, other] = [await place.tenant(), await place.tenant()];
    const busy = await fillBuilds(place, mine, other);
    return ask(asked(place.store, mine, await placesOf(place, mine.projectId), busy));
  });
  const found = [...times].map(([name, of]) => ({ name, p99: quantile(of, 0.99), p50: median(of) }));
  const [worst, ...next] = found.toSorted((a, b) => b.p99 - a.p99);
  if (!worst) throw new Error('Nothing was asked.');
  const all = quantile([...times.values()].flat(), 0.99);
  const slow = [worst, ...next.slice(0, 2)].map(({ name, p99, p50 }) => `${name} ${round(p99)} (p50 ${round(p50)})`);
  return [
    measured({
      name: 'list',
      ours: worst.p99,
      unit: 'ms p99, worst of all',
      target: '≤ 50 ms',
      met: worst.p99 <= 50,
      detail: `${runs.toLocaleString('en')} runs; ${found.length} lists, ${rounds} pages of ${limit} each; p99 of all together ${round(all)}; worst: ${slow.join('; ')}`,
    }),
  ];
}

/** The first page, one behind most of the list, and the farthest that an offset reaches. */
async function placesOf({ pool }: BenchDatabase, projectId: ProjectId): Promise<Places> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from build_specs where project_id = $1 and created_at < now() - $2::interval order by id desc limit 1',
    [projectId, `${days * 0.8} days`],
  );
  return { first: {}, far: { cursor: cursorAt(rows[0]?.id ?? '') }, 'offset 10,000': { offset: 10_000 } };
}

function cursorAt(id: string): string {
  return Buffer.from(id).toString('base64url');
}

type Asked = ReadonlyMap<string, () => Promise<unknown>>;

function asked(
  { buildSpecs, buildRuns }: Store,
  { tenantId, projectId }: Tenant,
  places: Places,
  busy: BuildId,
): Asked {
  const half = new Date(Date.now() - days * 0.5 * 86_400_000);
  const choices: readonly Filters[][] = [
    [{}, ...(['completed', 'failed', 'cancelled', 'pending'] as const).map((status) => ({ status }))],
    [{}, ...['web', 'api', 'rare'].map((service) => ({ service }))],
    [{}, ...Object.values(commits).map((gitSha) => ({ gitSha }))],
    [{}, { since: half }],
  ];
  const filters = choices.reduce(
    (all, more) => all.flatMap((one) => more.map((other) => ({ ...one, ...other }))),
    [{}],
  );
  const lists = new Map<string, () => Promise<unknown>>();
  for (const [place, page] of Object.entries(places)) {
    for (const filter of filters)
      lists.set(`${nameOf(filter)} ${place}`, () =>
        buildSpecs.list(tenantId, projectId, { limit, ...filter, ...page }),
      );
  }
  lists.set('runs first', () => buildRuns.list(tenantId, busy, { limit }));
  lists.set('runs offset 10,000', () => buildRuns.list(tenantId, busy, { limit, offset: 10_000 }));
  return lists;
}

function nameOf({ status, service, gitSha, since }: Filters): string {
  const commit = Object.entries(commits).find(([, sha]) => sha === gitSha)?.[0];
  const parts = [status, service && `of ${service}`, commit && `of a ${commit} commit`, since && 'of half the time'];
  return parts.filter(Boolean).join(' ') || 'all';
}

/** In turn, so that what else the machine does is not laid on one of them. */
async function ask(lists: Asked): Promise<Map<string, number[]>> {
  const times = new Map([...lists.keys()].map((name) => [name, [] as number[]]));
  for (let turn = -5; turn < rounds; turn++) {
    for (const [name, read] of lists) {
      const began = performance.now();
      await read();
      if (turn >= 0) times.get(name)?.push(performance.now() - began);
    }
  }
  return times;
}

import { PlatformError } from '@eve/domain';
import type { LogQuestion } from '@eve/operations';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from '../contract/index.ts';
import { sinceOf } from '../duration.ts';
import { untilGone } from '../open-stream.ts';
import type { Context } from '../operations.ts';
import { given } from '../paging.ts';
import { presentServiceLine, type StreamPlace, sendServiceLines, streamServiceLogs } from '../service-log-stream.ts';
import { type EnvironmentContext, ofEnvironment } from './environments.ts';
import { projectOf } from './project-of.ts';
import { formatOf } from './send-log.ts';

const description = [
  'Of all instances, replicas and revisions, also of those that are gone, by time. JSON by default.',
  '`Accept: text/event-stream` or `follow=true` goes on with what is printed from then on, also by instances that are started later:',
  '`event: log` is a line, `event: pod_changed` an instance that came or went, `event: heartbeat` comes every 15 s, `event: end` when',
  'the environment is deleted; `Last-Event-ID` goes on after a line. `Accept: application/x-ndjson` is a line per line, and',
  '`Accept: text/plain` is `[HH:MM:SS] instance | text` without anything that a terminal would obey; both take `follow=true`.',
].join(' ');

/** What services print. */
export const environmentLogRoutes: FastifyPluginAsyncZod<EnvironmentContext> = async (app, context) => {
  const { base, hide } = context;
  const about = { tags: ['environments'], description, response: { 200: contract.ServiceLogs } };

  // The second path of each is for clients that know no `Accept`.
  for (const [end, follow] of [
    ['', false],
    ['/stream', true],
  ] as const) {
    app.get(
      `${base}/:env_name/logs${end}`,
      {
        schema: {
          ...about,
          hide: hide || follow,
          operationId: 'environmentLogs',
          summary: 'What the services of an environment printed',
          params: ofEnvironment,
          querystring: contract.EnvironmentLogQuery,
        },
      },
      (request, reply) => sendServiceLogs(context, request, reply, { ...request.params, ...request.query }, follow),
    );

    app.get(
      `${base}/:env_name/services/:service/logs${end}`,
      {
        schema: {
          ...about,
          hide: hide || follow,
          operationId: 'serviceLogs',
          summary: 'What a service printed',
          params: ofEnvironment.extend({ service: z.string().max(128) }),
          querystring: contract.ServiceLogQuery,
        },
      },
      (request, reply) => sendServiceLogs(context, request, reply, { ...request.query, ...request.params }, follow),
    );
  }
};

type Asked = z.output<typeof contract.EnvironmentLogQuery> & z.output<typeof ofEnvironment>;

/** Answers with lines in the form that the client asks for. Undefined when the answer was streamed. */
async function sendServiceLogs(
  context: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Asked,
  alwaysFollow: boolean,
): Promise<contract.ServiceLogs | undefined> {
  const { platform, operations, closing } = context;
  const follow = asked.follow || alwaysFollow;
  const format = formatOf(request.headers.accept ?? '', follow);
  const { id: projectId } = await projectOf(context, request.caller, asked.project_id);
  const { service, revision, previous, grep, tail } = asked;
  const question: LogQuestion = {
    ...{ projectId, envName: asked.env_name, previous },
    ...given({ service, instance: asked.instance ?? asked.pod, revision, grep, tail }),
    ...(asked.since !== undefined && { since: sinceOf(asked.since, platform.now()) }),
  };
  using gone = untilGone(reply, closing);
  if (follow || format === 'sse') {
    const place = placeOf(request);
    const after = place ? { ...question, since: new Date(place.at), tail: undefined } : question;
    const news = await operations.followEnvironmentLogs(platform, request.caller, after, gone.signal);
    const streamed = format === 'json' ? 'sse' : format;
    await streamServiceLogs(platform.log, reply, { news, format: streamed, place, signal: gone.signal });
    return undefined;
  }
  const { lines, isCut } = await operations.environmentLogs(platform, request.caller, question, gone.signal);
  if (format === 'json') return { logs: lines.map(presentServiceLine), is_cut: isCut };
  await sendServiceLines(reply, lines, format, gone.signal);
  return undefined;
}

/** Where a follower who comes back was: the time of a line, and how many lines of that time it had. */
function placeOf({ headers }: FastifyRequest): StreamPlace | null {
  const id = headers['last-event-id'];
  if (id === undefined || id === '') return null;
  const [, at, count] = (typeof id === 'string' && /^(\d{1,15})-(\d{1,9})$/.exec(id)) || [];
  if (at === undefined) throw new PlatformError('request_invalid', 'Last-Event-ID must be the id of an event.');
  return { at: Number(at), count: Number(count) };
}

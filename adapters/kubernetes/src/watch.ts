import { setTimeout as sleep } from 'node:timers/promises';
import { linesOf } from '@eve/adapter-process';
import { PlatformError } from '@eve/domain';
import type { Change, ClusterObject, Kind, Selection } from './cluster.ts';
import type { Connection } from './connection.ts';
import { isRefused, refusalOf, type Status } from './error.ts';
import { describeSelection, listObjects, selectors, withoutManagers } from './list.ts';
import { collectionPath } from './paths.ts';
import { brokenOff, Patience } from './patience.ts';

// The API server ends a watch after this, which also gets rid of a connection that only seems to live.
const longestSeconds = 240;
// It sends a bookmark about every minute, also when nothing happens.
const silenceMs = 150_000;

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: ClusterObject & Status;
}

/**
 * What there is, then what changes. A broken connection goes on at the version it had; when the API server no longer knows that
 * one, all is listed anew and the differences are told.
 */
export async function* watchObjects<Shape extends ClusterObject>(
  connection: Connection,
  kind: Kind<Shape>,
  selection: Selection,
  patienceMs: number,
  signal: AbortSignal,
): AsyncGenerator<Change<Shape>> {
  const known = new Map<string, Shape>();
  const patience = new Patience(patienceMs);
  /** Null: what there is has to be listed. */
  let version: string | null = null;
  let isFirst = true;
  for (;;) {
    try {
      signal.throwIfAborted();
      if (version === null) {
        const listed = await listObjects(connection, kind, selection, signal);
        patience.succeeded();
        isFirst = false;
        version = listed.resourceVersion;
        yield* differences(known, listed.items);
      }
      const events: AsyncIterable<WatchEvent> = watchFrom(
        connection,
        kind,
        selection,
        version,
        () => patience.succeeded(),
        signal,
      );
      for await (const { type, object } of events) {
        if (type === 'ERROR') throw refusalOf(object.code ?? 500, object, watching(kind, selection), connection.server);
        version = object.metadata.resourceVersion ?? version;
        if (type === 'BOOKMARK') continue;
        // The API server's events of this kind are objects of this kind.
        const change = told(known, type, withoutManagers(object as unknown as Shape));
        if (change) yield change;
      }
      // An end without an error, as after `longestSeconds`, or of an API server that leaves; the next attempt tells which.
      await sleep(50, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      if (isFirst) throw error;
      // 410: the version is too old; anything it says within a watch may have to do with the version too.
      if (isRefused(error, 'conflict', 'invalid')) {
        if (version === null) throw error;
        version = null;
      } else if (!(error instanceof PlatformError) || error.kind !== 'unavailable') throw error;
      await patience.wait(error, signal);
    }
  }
}

async function* watchFrom<Shape extends ClusterObject>(
  { stream, server }: Connection,
  kind: Kind<Shape>,
  selection: Selection,
  resourceVersion: string,
  opened: () => void,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const answer = await stream({
    method: 'GET',
    path: collectionPath(kind, selection.namespace),
    query: {
      ...selectors(selection),
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion,
      timeoutSeconds: longestSeconds,
    },
    act: watching(kind, selection),
    signal,
  });
  opened();
  const silent = setTimeout(() => answer.destroy(new Error('nothing came for minutes')), silenceMs);
  answer.on('data', () => silent.refresh());
  try {
    for await (const line of linesOf(answer, Number.POSITIVE_INFINITY)) {
      if (line) yield JSON.parse(line) as WatchEvent;
    }
  } catch (error) {
    // The API server was killed in the middle: of the connection or even of a line.
    throw brokenOff(error, server);
  } finally {
    clearTimeout(silent);
    answer.destroy();
  }
}

function told<Shape extends ClusterObject>(
  known: Map<string, Shape>,
  type: 'ADDED' | 'MODIFIED' | 'DELETED',
  object: Shape,
): Change<Shape> | null {
  const id = identityOf(object);
  const before = known.get(id);
  if (type === 'DELETED') {
    known.delete(id);
    return { type: 'removed', object };
  }
  known.set(id, object);
  if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return null;
  return { type: before ? 'changed' : 'added', object };
}

/** What is to be told when all was listed anew. */
function* differences<Shape extends ClusterObject>(
  known: Map<string, Shape>,
  items: readonly Shape[],
): Generator<Change<Shape>> {
  const there = new Set(items.map(identityOf));
  for (const [id, object] of [...known]) {
    if (there.has(id)) continue;
    known.delete(id);
    yield { type: 'removed', object };
  }
  for (const object of items) {
    const change = told(known, 'ADDED', object);
    if (change) yield change;
  }
}

/** One that was deleted and made again under its name is another. */
function identityOf({ metadata }: ClusterObject): string {
  return metadata.uid ?? `${metadata.namespace}/${metadata.name}`;
}

function watching(kind: Kind, selection: Selection): string {
  return `watch ${describeSelection(kind, selection)}`;
}

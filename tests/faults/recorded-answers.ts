/** Every answer that a client was given, as it came. */
export interface RecordedAnswers {
  readonly fetch: typeof globalThis.fetch;
  /** All of them, each under what was asked. */
  all(): readonly { readonly asked: string; readonly answer: string }[];
}

/** A fetch that keeps what it brings: headers and bodies, streams as far as they were read. */
export function recordedAnswers(): RecordedAnswers {
  const answers: { asked: string; answer: string }[] = [];
  return {
    async fetch(input, init) {
      const response = await fetch(input, init);
      const { pathname, search } = new URL(String(input));
      const record = {
        asked: `${init?.method ?? 'GET'} ${pathname}${search} ${response.status}`,
        answer: `${JSON.stringify([...response.headers])}\n`,
      };
      answers.push(record);
      if (!response.body) return response;
      const decoder = new TextDecoder();
      // Not a clone: that would keep a connection open which its reader has left.
      const kept = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, next) {
          record.answer += decoder.decode(chunk, { stream: true });
          next.enqueue(chunk);
        },
      });
      return new Response(response.body.pipeThrough(kept), response);
    },
    all: () => answers,
  };
}

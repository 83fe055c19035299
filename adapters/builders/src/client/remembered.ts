const lastsMs = 60_000;

/** Asks once a minute for each name; what failed is asked again at once. */
export function remembered<T>(
  ask: (name: string, signal?: AbortSignal) => Promise<T>,
): (name: string, signal?: AbortSignal) => Promise<T> {
  const known = new Map<string, { at: number; answer: Promise<T> }>();
  return (name, signal) => {
    const found = known.get(name);
    if (found && performance.now() - found.at < lastsMs) return found.answer;
    const asked = { at: performance.now(), answer: ask(name, signal) };
    known.set(name, asked);
    asked.answer.catch(() => {
      if (known.get(name) === asked) known.delete(name);
    });
    return asked.answer;
  };
}

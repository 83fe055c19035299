import type { LogEntry } from '@eve/protocol-rest/contract';
import type { Style } from '../context.ts';
import { clock, printable } from './text.ts';

const labels: Readonly<Record<string, string>> = {
  auth_error: 'Authentication Error',
  clone_error: 'Git Clone Error',
  build_error: 'Build Error',
  timeout_error: 'Timeout Error',
  resource_error: 'Resource Error',
  registry_error: 'Registry Error',
  infrastructure_error: 'Infrastructure Error',
};

/** A failure code in words: `build_error` is Build Error. */
export function labelOf(code: string): string {
  const words = code.split('_').map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  return labels[code] ?? words.join(' ');
}

/** Turns log entries into what is printed: a time before each line, and after an error its type and what to do. */
export interface LogLines {
  of(entry: LogEntry): string[];
  /** What is still owed after the last entry. */
  end(hint?: string | null): string[];
}

export function logLines(style: Style): LogLines {
  let open: string | null = null;
  let attempt = 0;

  const closeWith = (hint: string | null | undefined) => {
    if (open === null) return [];
    const lines = [`  Type: ${labelOf(open)}`, ...(hint ? [`  Hint: ${hint}`] : [])];
    open = null;
    return lines;
  };

  return {
    of({ timestamp, line }) {
      const { message, service, error_code: code } = line;
      if (code !== undefined && message.startsWith('Hint: ')) {
        open = code;
        return closeWith(printable(message.slice('Hint: '.length), false));
      }
      const before = code === undefined ? closeWith(null) : [];
      if (code !== undefined) open = code;
      const retried = line.attempt > 1 && line.attempt !== attempt && attempt !== 0;
      attempt = line.attempt;
      const text = printable(message, style.colours);
      const named = service === null ? text : `[${printable(service, false)}] ${text}`;
      const shown = line.level === 'error' ? style.red(named) : named;
      return [...before, ...(retried ? [`--- Attempt ${line.attempt} ---`] : []), `[${clock(timestamp)}] ${shown}`];
    },
    end: closeWith,
  };
}

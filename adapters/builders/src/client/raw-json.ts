import { lineCutter } from '@eve/adapter-process';

/** One object of BuildKit's raw progress. Times are RFC 3339, log data is base64. */
export interface RawStatus {
  readonly vertexes?: readonly RawVertex[] | null;
  readonly logs?: readonly RawLog[] | null;
  readonly warnings?: readonly RawWarning[] | null;
}

export interface RawVertex {
  readonly digest: string;
  readonly name?: string;
  readonly started?: string;
  readonly completed?: string;
  readonly cached?: boolean;
  readonly error?: string;
}

export interface RawLog {
  readonly vertex?: string;
  readonly stream?: number;
  readonly data?: string;
  readonly timestamp?: string;
}

export interface RawWarning {
  readonly vertex?: string;
  readonly short?: string;
  readonly url?: string;
}

const maxObjectLength = 16 * 1_048_576;

/** Takes raw progress apart: objects on one line or over several, and between or after them lines that are none. */
export function rawJsonReader(on: { status(status: RawStatus): void; text(line: string): void }): {
  push(chunk: Uint8Array): void;
  end(): void;
} {
  const cutter = lineCutter(maxObjectLength);
  let open: string[] | null = null;
  let length = 0;

  const line = (text: string) => {
    if (open) {
      length += text.length;
      if (length <= maxObjectLength) open.push(text);
      if (text !== '}') return;
      finish(open.join('\n'));
      open = null;
    } else if (text === '{') {
      open = [text];
      length = 1;
    } else if (text.startsWith('{')) {
      finish(text);
    } else if (text.trim()) {
      on.text(text);
    }
  };
  const finish = (text: string) => {
    try {
      // The engine's client is ours; what a build can put in is only base64 data, names and messages.
      on.status(JSON.parse(text) as RawStatus);
    } catch {
      on.text(text.slice(0, 500));
    }
  };
  return {
    push: (chunk) => cutter.push(chunk).forEach(line),
    end: () => {
      cutter.end().forEach(line);
      if (open) finish(open.join('\n'));
      open = null;
    },
  };
}

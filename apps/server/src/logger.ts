import type { Log } from '@eve/operations';
import { type Logger, pino } from 'pino';
import type { Config } from './config.ts';

/** JSON lines on standard error, or in a file where a person looks at the terminal. */
export function openLogger({ EVE_LOG_LEVEL }: Pick<Config, 'EVE_LOG_LEVEL'>, file: string | null): Logger {
  return pino(
    { level: EVE_LOG_LEVEL, base: undefined, serializers: { error: pino.stdSerializers.err } },
    pino.destination({ dest: file ?? 2, mkdir: true, sync: false }),
  );
}

/** The port for operations. */
export function logOf(logger: Logger): Log {
  return {
    info: (fields, sentence) => logger.info(fields, sentence),
    warn: (fields, sentence) => logger.warn(fields, sentence),
    error: (fields, sentence) => logger.error(fields, sentence),
  };
}

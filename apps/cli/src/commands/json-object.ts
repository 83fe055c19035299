import { UsageError } from '../failure.ts';

/** The value of an option that takes a JSON object. */
export function jsonObject(text: string, option: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${option} is no valid JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new UsageError(`${option} must be a JSON object, such as '{"release_tag": "v1.0.0"}'.`);
}

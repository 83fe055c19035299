/** The SQLSTATE or system error code. In a file of its own: the heartbeat's thread loads nothing that it can do without. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

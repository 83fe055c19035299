/** An answer of the Docker Engine that is not a success; `status` is its HTTP status, 0 for an error inside a progress stream. */
export class DockerError extends Error {
  override readonly name = 'DockerError';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Whether an error is the engine's answer with this status. */
export function isDockerError(error: unknown, ...statuses: readonly number[]): error is DockerError {
  return error instanceof DockerError && (statuses.length === 0 || statuses.includes(error.status));
}

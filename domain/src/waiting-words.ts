/** Why work that waits has not begun, in words that suit every kind of work. */
export const waitingWords = {
  tenant_limit: 'the limit of concurrent work of this organisation is reached',
  builder_capacity: 'the builder is full',
  lock: 'another deploy of this environment is running, what the last one replaced still drains, or the registry is being cleaned up',
  warm: 'what the last deploy replaced is kept warm, and is removed then',
  approval: 'it waits for an approval',
  retry_delay: 'it is tried again after a delay',
  free_worker: 'it waits for a free worker',
} as const;

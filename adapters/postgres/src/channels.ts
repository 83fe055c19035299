/** Says that work may have become runnable. No payload, so that a transaction sends it once. */
export const workChannel = 'eve_work';

/** Carries the id of work that shall end. */
export const cancelChannel = 'eve_work_cancel';

/** Carries a log's subject and its last sequence. */
export const logChannel = 'eve_logs';

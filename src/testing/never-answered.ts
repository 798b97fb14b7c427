/** Errors that a cluster and clients without bugs never answer. */
export const NEVER_ANSWERED: ReadonlySet<string> = new Set([
  'KV_INTERNAL',
  'KV_BAD_FRAME',
  'KV_UNKNOWN_OPCODE',
  'KV_BAD_REQUEST',
  'KV_BAD_KEY',
  'KV_TOO_LARGE',
  'KV_VERSION',
  'KV_WRONG_CLUSTER',
  'KV_UNAUTHORIZED',
  'KV_USAGE',
]);

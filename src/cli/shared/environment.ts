/**
 * The environment variables that `keyval` reads: these and no others. A list, not a prefix: where a service is named
 * keyval, Kubernetes sets `KEYVAL_PORT=tcp://…` and more of that kind.
 */
const names = {
  endpoints: 'KEYVAL_ENDPOINTS',
  cluster: 'KEYVAL_CLUSTER',
  secretFile: 'KEYVAL_SECRET_FILE',
} as const;

/** Its value, or undefined when it is not set or empty. */
export function environment(setting: keyof typeof names): string | undefined {
  const value = process.env[names[setting]];
  return value === '' ? undefined : value;
}

/** For the help. */
export const environmentNames: readonly string[] = Object.values(names);

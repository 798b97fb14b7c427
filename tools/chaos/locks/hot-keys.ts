/**
 * The few keys that all programs want, by a number that is their tag: a lock and what it guards share a partition (L9).
 *
 *     chaos:lock:{3}    the lock; its own value counts the sections that stored with their release (L8)
 *     chaos:guard:{3}   written under the lock's token, by late holders too
 *     chaos:count:{3}   read, incremented and written back under the lock's token
 */

export const kinds = ['lock', 'guard', 'count'] as const;
export type Kind = (typeof kinds)[number];

export function hotKey(kind: Kind, tag: number): string {
  return `chaos:${kind}:{${tag}}`;
}

/** Null for any other key. */
export function partsOf(key: string): { readonly kind: Kind; readonly tag: number } | null {
  const [, kind, tag] = /^chaos:(lock|guard|count):\{(\d+)\}$/.exec(key) ?? [];
  return kind === undefined ? null : { kind: kind as Kind, tag: Number(tag) };
}

/** The sum in a counter's value: what follows it makes the value unlike any other. */
export function sumIn(value: string | null): number {
  return value === null ? 0 : Number.parseInt(value, 10);
}

export function sumText(sum: number, writer: string): string {
  return `${sum} ${writer}`;
}

/** How the cluster commands write what several of them show. */

/** `3 nodes`, `1 node`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `a` for an empty text, so that no column of a table is empty. */
export function orDash(text: string): string {
  return text === '' ? '-' : text;
}

/** `2026-11-21T17:58:21Z` */
export function momentText(unixMs: number): string {
  return new Date(unixMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Items as in a sentence: `2 lost, 1 below min`; those that are 0 left out. */
export function nonZero(counts: readonly (readonly [count: number, what: string])[]): string {
  return counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ');
}

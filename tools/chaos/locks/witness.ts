/**
 * Witnesses of mutual exclusion besides the judge. Counters need no clock: had two holders counted at once, one section
 * would be missing. Fences: what is accepted under a token after another holder was granted a newer one, was let through.
 */
import type { Operation } from '../../../src/testing/checkers/index.ts';
import type { Grants } from './grants.ts';
import { type Kind, partsOf } from './hot-keys.ts';

/** Accepted writes that should have been refused, in words. */
export function letThrough(operations: readonly Operation[], grants: Grants): string[] {
  const newest = new Map([...grants].map(([tag, list]) => [tag, newestByAnswer(list)]));
  return operations.flatMap((write) => {
    const parts = partsOf(write.key);
    if (write.kind !== 'fwrite' || write.accepted !== true || parts === null) return [];
    const before = newestBefore(newest.get(parts.tag) ?? [], write.call);
    if (before <= BigInt(write.token as string)) return [];
    return [`${write.key}: ${write.client}'s write ${write.id} under ${write.token} was let through behind ${before}`];
  });
}

interface Newest {
  readonly answered: number;
  /** Greatest of all tokens answered by then. */
  readonly token: bigint;
}

function newestByAnswer(list: Grants extends ReadonlyMap<number, infer L> ? L : never): Newest[] {
  let greatest = 0n;
  return [...list]
    .sort((a, b) => a.acquire.ret - b.acquire.ret)
    .map(({ acquire, token }) => {
      if (token > greatest) greatest = token;
      return { answered: acquire.ret, token: greatest };
    });
}

function newestBefore(newest: readonly Newest[], moment: number): bigint {
  let low = 0;
  let high = newest.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((newest[middle] as Newest).answered < moment) low = middle + 1;
    else high = middle;
  }
  return newest[low - 1]?.token ?? 0n;
}

/** Sections that counted on in one counter. */
export interface Sections {
  readonly key: string;
  acknowledged: number;
  /** Nobody knows whether they did. */
  unknown: number;
}

const counters: ReadonlySet<Kind> = new Set(['lock', 'count']);

export function sectionsIn(operations: readonly Operation[]): Sections[] {
  const sections = new Map<string, Sections>();
  for (const { kind, key, outcome } of operations) {
    if (kind !== 'put' || !counters.has(partsOf(key)?.kind as Kind)) continue;
    const known = sections.get(key) ?? { key, acknowledged: 0, unknown: 0 };
    sections.set(key, known);
    if (outcome === 'ok') known.acknowledged += 1;
    else if (outcome === 'unknown') known.unknown += 1;
  }
  return [...sections.values()];
}

/** Counters that do not hold as many as there were, in words. `sums`: what they hold; null: it could not be read. */
export function miscounted(sections: readonly Sections[], sums: ReadonlyMap<string, number | null>): string[] {
  return sections.flatMap(({ key, acknowledged, unknown }) => {
    const sum = sums.get(key) ?? null;
    if (sum === null) return [`${key} could not be read at the end`];
    if (sum >= acknowledged && sum <= acknowledged + unknown) return [];
    return [`${key} holds ${sum} after ${acknowledged} acknowledged sections and ${unknown} that nobody knows of`];
  });
}

/** Locks that were granted at the end under a token no greater than one before. */
export function tokensBack(grants: Grants, last: ReadonlyMap<number, bigint | null>): string[] {
  return [...grants].flatMap(([tag, list]) => {
    const token = last.get(tag) ?? null;
    const before = list.at(-1)?.token ?? 0n;
    if (token === null) return [`lock ${tag} could not be taken at the end`];
    return token > before ? [] : [`lock ${tag} was granted under ${token} behind ${before}`];
  });
}

/** The kinds of operations that a run counts and times, each on its own. */

/** What `--mix` may name. The time of a lock is that of taking it and letting go; a trylock that fails is refused. */
export const mixKinds = ['get', 'put', 'cas', 'delete', 'incr', 'lock', 'trylock'] as const;
export type MixKind = (typeof mixKinds)[number];

/** The last two are what `--verify` adds: one whole increment each, whatever requests it takes. */
export type Kind = MixKind | 'increment-lock' | 'increment-cas';

/** In the order of the table. */
export const kinds: readonly Kind[] = [...mixKinds, 'increment-lock', 'increment-cas'];

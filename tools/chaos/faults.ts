/** The kinds of faults, and the order in which a seed brings them. */
import type { Prng } from '../../src/base/prng.ts';

export const faultKinds = [
  'kill of a primary',
  'kill of the commander',
  'kill of any node',
  'pause',
  'one-way partition',
  'full partition',
  'clients cut off',
  'delay',
  'clog',
  'reset',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Which node it falls on. */
export type Aim = 'primary' | 'commander' | 'any';

export interface Fault {
  readonly kind: FaultKind;
  readonly aim: Aim;
  /** How long it lasts; of a kill: how long the node stays away. */
  readonly lastsMs: number;
  /** A killed node comes back without its state directory. */
  readonly forgets: boolean;
  /** Bytes of a partition are lost and its connections reset, or all comes later. */
  readonly loses: boolean;
  /** Of a partition: to the node rather than from it. */
  readonly inwards: boolean;
  /** Of the others, how many it falls on, as a part of them: a partition from some, or from all. */
  readonly share: number;
}

export interface FaultCounts {
  readonly kills: number;
  readonly pauses: number;
  readonly partitions: number;
  /** Delays, clogs and resets, so many of each. */
  readonly nuisances: number;
}

/** Longer and shorter than the lease and than what counts as death. */
const PAUSE_MS = { min: 700, max: 5000 } as const;
const CUT_MS = { min: 500, max: 4000 } as const;
const AWAY_MS = { min: 300, max: 3000 } as const;
const NUISANCE_MS = { min: 1000, max: 3000 } as const;

/** Of the kills, the commander's, and those of any node whatever it leads. */
const COMMANDER_SHARE = 0.35;
const ANY_SHARE = 0.1;
const FORGET_SHARE = 0.3;

/** All faults of a run, in the order that the random numbers give. */
export function planFaults({ kills, pauses, partitions, nuisances }: FaultCounts, random: Prng): Fault[] {
  const faults = [
    ...times(kills, () => kill(random)),
    ...times(pauses, () => fault(random, 'pause', PAUSE_MS)),
    ...times(partitions, (index) => partition(index, random)),
    ...times(nuisances, () => fault(random, 'delay', NUISANCE_MS)),
    ...times(nuisances, () => fault(random, 'clog', NUISANCE_MS)),
    ...times(nuisances, () => fault(random, 'reset', { min: 0, max: 0 })),
  ];
  return shuffled(faults, random);
}

function kill(random: Prng): Fault {
  const draw = random.float();
  if (draw < COMMANDER_SHARE) return { ...fault(random, 'kill of the commander', AWAY_MS), aim: 'commander' };
  if (draw < COMMANDER_SHARE + ANY_SHARE) return { ...fault(random, 'kill of any node', AWAY_MS), aim: 'any' };
  return { ...fault(random, 'kill of a primary', AWAY_MS), aim: 'primary' };
}

function partition(index: number, random: Prng): Fault {
  // Clients notice only if they want something of the node.
  if (index % 5 === 4) return { ...fault(random, 'clients cut off', CUT_MS), aim: 'primary' };
  return fault(random, index % 2 === 0 ? 'full partition' : 'one-way partition', CUT_MS);
}

function fault(random: Prng, kind: FaultKind, { min, max }: { readonly min: number; readonly max: number }): Fault {
  const aim = random.float();
  return {
    kind,
    aim: aim < 0.4 ? 'primary' : aim < 0.75 ? 'commander' : 'any',
    lastsMs: Math.round(min + random.float() * (max - min)),
    forgets: random.float() < FORGET_SHARE,
    loses: random.float() < 0.5,
    inwards: random.float() < 0.5,
    share: random.float() < 0.5 ? 1 : random.float(),
  };
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Fisher and Yates. */
export function shuffled<T>(items: readonly T[], random: Prng): T[] {
  const result = [...items];
  for (let at = result.length - 1; at > 0; at -= 1) {
    const other = random.below(at + 1);
    [result[at], result[other]] = [result[other] as T, result[at] as T];
  }
  return result;
}

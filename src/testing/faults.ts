/**
 * The faults of a run as a list, made before it begins: so a failing run can be repeated with fewer and shorter ones
 * (shrink.ts). Each names its targets by number; one that finds its target in no state for it does nothing.
 */
import type { Prng } from '../base/prng.ts';
import { isDynamic } from './dynamic.ts';
import { chance, pick, spread } from './swarm.ts';

/** What every cluster goes through. */
const plainKinds = [
  'pauseNode',
  'pauseClient',
  'crashNode',
  'crashClient',
  'partition',
  'isolate',
  'oneWay',
  'clog',
  'reset',
  'refuse',
  'clockJump',
] as const;

/** What only a cluster goes through that has state directories and a book. */
const dynamicKinds = ['stopNode', 'killAll', 'wipeDisk', 'damageDisk', 'slowDisk', 'fullDisk'] as const;

export type FaultKind = (typeof plainKinds)[number] | (typeof dynamicKinds)[number];

export const faultKinds: readonly FaultKind[] = [...plainKinds, ...dynamicKinds];

/** Those that are tried at present: each must come up in a long campaign. */
export const triedKinds: readonly FaultKind[] = isDynamic ? faultKinds : plainKinds;

export interface Fault {
  readonly kind: FaultKind;
  readonly atMs: number;
  /** How long it lasts; 0 for what has no duration. */
  readonly forMs: number;
  /** Number of a node, or of a client. */
  readonly target: number;
  /**
   * The other machine of a link: below the number of nodes a node, above a client. −1: all others. isolate: who goes along;
   * −1: nobody, and clients still reach the target.
   */
  readonly peer: number;
  /**
   * clog: how many times slower; clockJump, slowDisk: milliseconds; crashNode, crashClient, killAll: 1 silently; damageDisk:
   * 1 a sector in a wrong place, 0 a flipped bit.
   */
  readonly amount: number;
}

export interface FaultPlan {
  readonly nodes: number;
  readonly clients: number;
  readonly fromMs: number;
  readonly untilMs: number;
  /**
   * Nodes that may crash: fewer than there are replicas. As long as somebody remembers, nothing is forgotten; when nobody
   * does, it is no fault of the cluster.
   */
  readonly crashable: number;
  /** The first of them; default: chance. */
  readonly firstToCrash?: number;
  /** There are state directories and a book: kinds that need them may be chosen. */
  readonly dynamic: boolean;
  /** Kinds that there may be; swarm leaves out some of them. */
  readonly kinds: readonly FaultKind[];
  /** Faults at least and at most. */
  readonly least: number;
  readonly most: number;
}

/** How long each may last, milliseconds. */
const DURATIONS: Readonly<Record<FaultKind, readonly [low: number, high: number]>> = {
  pauseNode: [20, 12_000],
  pauseClient: [20, 15_000],
  crashNode: [200, 4000],
  crashClient: [0, 0],
  partition: [50, 16_000],
  isolate: [500, 16_000],
  oneWay: [50, 16_000],
  clog: [500, 8000],
  reset: [10, 3000],
  refuse: [100, 4000],
  clockJump: [0, 0],
  stopNode: [500, 8000],
  killAll: [200, 4000],
  wipeDisk: [0, 0],
  damageDisk: [0, 0],
  slowDisk: [500, 8000],
  fullDisk: [200, 8000],
};

/** A disk that is to be lost or damaged is so in the next crash, which often follows soon. */
const CRASHES_AFTER_DISK = 0.8;
const BY_NEXT_CRASH: ReadonlySet<FaultKind> = new Set(['wipeDisk', 'damageDisk']);
/** Whose targets are nobody else's choice: only so many nodes may forget. */
const FORGETS: ReadonlySet<FaultKind> = new Set(['crashNode', ...BY_NEXT_CRASH]);

/** So many faults follow on the one before within its duration, or this. */
const BURSTS = 0.4;
const BURST_MS = 1500;

/** How often each is chosen. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  pauseNode: 4,
  pauseClient: 3,
  crashNode: 1,
  crashClient: 1,
  partition: 3,
  isolate: 4,
  oneWay: 3,
  clog: 3,
  reset: 6,
  refuse: 2,
  clockJump: 2,
  stopNode: 2,
  killAll: 1,
  wipeDisk: 1,
  damageDisk: 1,
  slowDisk: 2,
  fullDisk: 1,
};

/** Some kinds are left out by chance. */
export function planFaults(random: Prng, plan: FaultPlan): Fault[] {
  const kinds = plan.kinds.filter((kind) => isPossible(kind, plan));
  const chosen = kinds.filter(() => chance(random, 0.6));
  const weighted = (chosen.length === 0 ? kinds : chosen).flatMap((kind) => Array<FaultKind>(WEIGHTS[kind]).fill(kind));
  if (weighted.length === 0) return [];
  const count = plan.least + random.below(plan.most - plan.least + 1);
  const chosenToCrash = random.below(plan.nodes);
  const firstToCrash = plan.firstToCrash ?? chosenToCrash;
  const faults: Fault[] = [];
  for (let made = 0; made < count; made += 1) {
    const fault = oneFault(random, plan, pick(random, weighted), firstToCrash);
    const before = faults.at(-1);
    faults.push(before !== undefined && chance(random, BURSTS) ? soonAfter(random, fault, before, plan) : fault);
    if (BY_NEXT_CRASH.has(fault.kind) && chance(random, CRASHES_AFTER_DISK))
      faults.push(crashAfter(random, fault, plan));
  }
  return faults.sort((a, b) => a.atMs - b.atMs);
}

function isPossible(kind: FaultKind, plan: FaultPlan): boolean {
  if (!plan.dynamic && (dynamicKinds as readonly FaultKind[]).includes(kind)) return false;
  if (BY_NEXT_CRASH.has(kind)) return forgetful(plan) > 0;
  return kind !== 'crashNode' || plan.crashable > 0;
}

/** Nodes whose disks may be lost or damaged: fewer than half, since a majority must know what it has promised. */
function forgetful({ nodes, crashable }: FaultPlan): number {
  return Math.min(crashable, Math.floor((nodes - 1) / 2));
}

function crashAfter(random: Prng, fault: Fault, { untilMs }: FaultPlan): Fault {
  const [low, high] = DURATIONS.crashNode;
  const atMs = Math.min(untilMs, Math.round(fault.atMs + 1 + random.float() * BURST_MS));
  const forMs = Math.round(spread(random, low, high));
  return { ...fault, kind: 'crashNode', atMs, forMs, amount: amountOf(random, 'crashNode') };
}

/** Troubles come together: many follow soon on another, on the same machine where that makes sense. */
function soonAfter(random: Prng, fault: Fault, before: Fault, { untilMs }: FaultPlan): Fault {
  const atMs = Math.min(untilMs, Math.round(before.atMs + random.float() * Math.max(before.forMs, BURST_MS)));
  const together = isOfClient(fault.kind) === isOfClient(before.kind) && !FORGETS.has(fault.kind);
  return together ? { ...fault, atMs, target: before.target, peer: before.peer } : { ...fault, atMs };
}

function isOfClient(kind: FaultKind): boolean {
  return kind === 'pauseClient' || kind === 'crashClient';
}

function oneFault(random: Prng, plan: FaultPlan, kind: FaultKind, firstToCrash: number): Fault {
  const [low, high] = DURATIONS[kind];
  const atMs = Math.round(plan.fromMs + random.float() * (plan.untilMs - plan.fromMs));
  const forMs = high === 0 ? 0 : Math.round(spread(random, low, high));
  let target = random.below(isOfClient(kind) ? plan.clients : plan.nodes);
  if (kind === 'crashNode') target = (firstToCrash + random.below(plan.crashable)) % plan.nodes;
  else if (BY_NEXT_CRASH.has(kind)) target = (firstToCrash + random.below(forgetful(plan))) % plan.nodes;
  const others = plan.nodes + plan.clients;
  let peer = chance(random, 0.3) ? -1 : random.below(others);
  // A client that cannot reach the others believes in the primary that it reaches.
  if (kind === 'isolate' && peer >= 0) peer = plan.nodes + (peer % plan.clients);
  if (peer === target) peer = (peer + 1) % others;
  return { kind, atMs, forMs, target, peer, amount: amountOf(random, kind) };
}

function amountOf(random: Prng, kind: FaultKind): number {
  if (kind === 'clog') return pick(random, [10, 100, 1000]);
  // Back only a little: a clock set back far is an operator's act, and tokens rest on the wall clock over a full stop.
  if (kind === 'clockJump') return chance(random, 0.7) ? Math.round(spread(random, 100, 20_000)) : -random.below(300);
  if (kind === 'slowDisk') return pick(random, [20, 200, 1000, 3000]);
  if (kind === 'damageDisk') return random.below(2);
  if (kind === 'crashNode' || kind === 'crashClient' || kind === 'killAll') return chance(random, 0.4) ? 1 : 0;
  return 0;
}

/** In words, for traces and reports. */
export function faultText({ kind, atMs, forMs, target, peer, amount }: Fault, nodes: number): string {
  const node = `n${target + 1}`;
  const other = peer < 0 ? 'all others' : peer < nodes ? `n${peer + 1}` : `c${peer - nodes + 1}`;
  const span = `for ${forMs} ms`;
  const texts: Readonly<Record<FaultKind, string>> = {
    pauseNode: `${node} is paused ${span}`,
    pauseClient: `c${target + 1} is paused ${span}`,
    crashNode: `${node} ${amount === 1 ? 'loses power' : 'is killed'}, back after ${forMs} ms`,
    crashClient: `c${target + 1} ${amount === 1 ? 'loses power' : 'is killed'}`,
    partition: `${node} and ${other} cut off from each other ${span}`,
    isolate: `${node} ${peer < 0 ? 'cut off from all other nodes' : `and ${other} together cut off from all others`} ${span}`,
    oneWay: `nothing passes from ${node} to ${other} ${span}`,
    clog: `${node} and ${other} ${amount} times slower ${span}`,
    reset: `connections of ${node} and ${other} broken again and again ${span}`,
    refuse: `${node} refuses connections ${span}`,
    clockJump: `wall clock of ${node} set by ${amount} ms`,
    stopNode: `${node} is stopped, back after ${forMs} ms`,
    killAll: `all nodes ${amount === 1 ? 'lose power' : 'are killed'} at once, back after ${forMs} ms`,
    wipeDisk: `${node} will have lost its disk after the next crash`,
    damageDisk: `${node} will have ${amount === 1 ? 'a sector in a wrong place' : 'a flipped bit'} after the next crash`,
    slowDisk: `disk of ${node} up to ${amount} ms slower ${span}`,
    fullDisk: `disk of ${node} full ${span}`,
  };
  return `${(atMs / 1000).toFixed(3)} s: ${texts[kind]}`;
}

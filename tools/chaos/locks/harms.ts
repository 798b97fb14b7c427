/** What is done to programs that hold locks: which harms come, by seed, and how they are brought about. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Prng } from '../../../src/base/prng.ts';
import { shuffled } from '../faults.ts';
import { NO_FAULTS } from '../relays.ts';
import type { Scene } from '../scene.ts';
import type { Program } from './programs.ts';

export const harmKinds = ['kill', 'pause', 'cut'] as const;
export type HarmKind = (typeof harmKinds)[number];

export interface Harm {
  readonly kind: HarmKind;
  /** From the beginning. */
  readonly atMs: number;
  /** How long a pause or a cut lasts, in leases of the program; of a kill: how long it stays away. */
  readonly leases: number;
  /** Of a cut: bytes are lost, and connections reset, rather than all coming later. */
  readonly loses: boolean;
  /** Of a cut: how many of the nodes, as a part of them. */
  readonly share: number;
  /** Of a kill or a pause: it waits until the program holds a lock, for a while. */
  readonly hitsHolder: boolean;
}

/** A harm that was done; times as the histories have them. */
export interface Harmed {
  readonly kind: HarmKind;
  /** The life that it was done to. */
  readonly name: string;
  readonly leaseMs: number;
  readonly fromNs: number;
  readonly untilNs: number;
}

const EVERY_MS = 2500;
const KILLS = 0.3;
const CUTS = 0.2;
/** Pauses and cuts: their logarithms are spread evenly. The first pause is the longest one. */
const LEASES = { min: 0.5, max: 10 } as const;
const LONGEST_LEASES = 10.3;
const CUT_LEASES_MAX = 4;
const AWAY_LEASES_MAX = 1;
/** The longest pause takes this part of a run at most. */
const LONGEST_SHARE = 0.6;
const LEASE_MS_MAX = 2000;
/** Of the programs that are killed or stopped so many hold a lock then, if they get one in time; the others whatever they do. */
const HOLDERS = 0.8;
const HOLDING_MS_MAX = 3000;
const SHARE_OF_ALL = 0.5;

export function planHarms(seconds: number, random: Prng): Harm[] {
  const runMs = seconds * 1000;
  const longest = Math.min(LONGEST_LEASES, (runMs * LONGEST_SHARE) / LEASE_MS_MAX);
  const count = Math.max(2, Math.floor(runMs / EVERY_MS));
  return Array.from({ length: count }, (_, index) => {
    const atMs = (index * runMs) / count;
    const leases = Math.min(longest, LEASES.min * (LEASES.max / LEASES.min) ** random.float());
    const draw = random.float();
    const share = random.float() < SHARE_OF_ALL ? 1 : random.float();
    const rest = { atMs, loses: random.float() < 0.5, share, hitsHolder: random.float() < HOLDERS };
    if (index === 0) return { ...rest, kind: 'pause', leases: longest, hitsHolder: true };
    if (draw < KILLS) return { ...rest, kind: 'kill', leases: random.float() * AWAY_LEASES_MAX };
    if (draw < KILLS + CUTS) return { ...rest, kind: 'cut', leases: Math.min(leases, CUT_LEASES_MAX) };
    return { ...rest, kind: 'pause', leases };
  });
}

export class Harmer {
  readonly done: Harmed[] = [];
  readonly #scene: Scene;
  readonly #idle: Set<Program>;
  readonly #nowNs: () => number;
  readonly #random: Prng;

  constructor(scene: Scene, programs: readonly Program[], nowNs: () => number, random: Prng) {
    this.#scene = scene;
    this.#idle = new Set(programs);
    this.#nowNs = nowNs;
    this.#random = random;
  }

  /** Brings them about, several at a time, one for each program; resolves when all are over. */
  async bringAll(plan: readonly Harm[], stop: AbortSignal): Promise<void> {
    const startMs = performance.now();
    const running: Promise<void>[] = [];
    for (const harm of plan) {
      await delay(Math.max(0, startMs + harm.atMs - performance.now()), undefined, { signal: stop }).catch(() => null);
      if (stop.aborted) break;
      running.push(this.#bring(harm));
    }
    await Promise.all(running);
  }

  async #bring(harm: Harm): Promise<void> {
    const [program] = shuffled([...this.#idle], this.#random);
    if (program === undefined) return; // all of them have something else to bear
    this.#idle.delete(program);
    const { name, leaseMs } = program;
    const fromNs = await this.#do[harm.kind](program, harm);
    this.done.push({ kind: harm.kind, name, leaseMs, fromNs, untilNs: this.#nowNs() });
    if (harm.kind === 'kill') await this.#again(program, harm);
    this.#idle.add(program);
  }

  /** Each gives when it began. */
  readonly #do: Readonly<Record<HarmKind, (program: Program, harm: Harm) => Promise<number>>> = {
    kill: async (program, { hitsHolder }) => {
      if (hitsHolder) await program.untilHolding(HOLDING_MS_MAX);
      const fromNs = this.#nowNs();
      await program.kill();
      return fromNs;
    },
    pause: async (program, { leases, hitsHolder }) => {
      if (hitsHolder) await program.untilHolding(HOLDING_MS_MAX);
      const { awake } = await program.pause(leases * program.leaseMs);
      const fromNs = this.#nowNs();
      await awake;
      return fromNs;
    },
    cut: async (program, { leases, loses, share }) => {
      const { relays, hosts } = this.#scene;
      const nodes = hosts.nodes.map(({ host }) => host);
      const some = shuffled(nodes, this.#random).slice(0, Math.max(1, Math.round(nodes.length * share)));
      const fromNs = this.#nowNs();
      await relays.between(program.host, some, { cut: loses ? 'drop' : 'hold' });
      await delay(leases * program.leaseMs);
      await relays.between(program.host, some, NO_FAULTS);
      return fromNs;
    },
  };

  async #again(program: Program, { leases }: Harm): Promise<void> {
    await delay(leases * program.leaseMs);
    program.start();
    await program.untilConnected();
  }
}

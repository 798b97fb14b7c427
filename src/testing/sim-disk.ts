/**
 * The state directory of a simulated machine. It outlives the lives of nodes on it, and suffers what disks do:
 *
 *     write ─► step ─ latency ─► durable ─► next step … ─► done
 *                 └ a crash here: the step is done, or not, or in part; none of those behind it has begun
 *
 * A part of an append ends at any byte; after a power cut sectors in between may be missing, too. A disk may be full for a
 * time, slow, lose everything, or lie: a bit flips, a sector is written over another. A node must notice what was lost or
 * damaged, and promise nothing that it may have promised otherwise before.
 */
import type { Disk, DiskStep } from '../base/ports.ts';
import type { Prng } from '../base/prng.ts';
import { KeyvalError } from '../errors.ts';
import type { SimProcess } from './sim-process.ts';
import { chance, pick } from './swarm.ts';
import type { World } from './world.ts';

/** A bit flips, or a sector is written over another one. */
export type DiskDamage = 'flip' | 'misdirect';

/** Written whole or not at all. */
const SECTOR_BYTES = 512;
/** A step that a crash hits: so often it is not there at all, so often it is there as a whole. */
const NOTHING = 0.3;
const WHOLE = 0.3;

interface Writing {
  readonly steps: readonly DiskStep[];
  readonly done: (error: Error | null) => void;
  /** The step under way. */
  next: number;
}

export class SimDisk {
  readonly path: string;
  readonly files: Map<string, Uint8Array> = new Map();
  /** What happened to it so far. */
  readonly counters = { steps: 0, torn: 0, refused: 0, wiped: 0, damaged: 0 };
  /** Bytes are no longer what was written: a node on it may refuse to start. */
  isDamaged = false;
  /** A write has failed in the present life of the node. */
  hasFailed = false;
  /** What the next crash does to it. */
  #losesInCrash: DiskDamage | 'everything' | null = null;
  readonly #world: World;
  readonly #random: Prng;
  readonly #stepMs: number;
  /** Faults that make it full, and that make it slow, at present. */
  #full = 0;
  #slowMs = 0;
  /** The steps of a write are its events: they wait while it is paused, and never happen when it is dead. */
  #user: SimProcess | null = null;
  #writing: Writing | null = null;

  /** @param stepMs how long a step takes on average, while nothing is wrong */
  constructor(world: World, host: string, stepMs: number) {
    this.#world = world;
    this.#random = world.random(`disk of ${host}`);
    this.#stepMs = stepMs;
    this.path = `/${host}`;
  }

  /** The directory as a new life of a node has it. The former one must be over. */
  attach(user: SimProcess): Disk {
    this.#user = user;
    this.#writing = null;
    this.hasFailed = false;
    return {
      path: this.path,
      list: () => [...this.files.keys()].sort(),
      read: (name) => this.files.get(name)?.slice() ?? null,
      write: (steps, done) => {
        // What a life that is over still holds writes nothing.
        if (this.#user === user) this.#write(steps, done);
      },
    };
  }

  // ---- faults

  /** Steps take up to so much longer, until it is undone. */
  slowDown(byMs: number): () => void {
    this.#slowMs += byMs;
    return () => {
      this.#slowMs -= byMs;
    };
  }

  /** Nothing can be added, until it is undone. */
  fill(): () => void {
    this.#full += 1;
    return () => {
      this.#full -= 1;
    };
  }

  /** Its process has died; `isPowerLost`: the machine, too. */
  crash(isPowerLost: boolean): void {
    this.#interrupt(isPowerLost);
    this.#user = null;
    if (this.#losesInCrash !== null) this.#lose(this.#losesInCrash);
    this.#losesInCrash = null;
  }

  /** The next crash will cost so much; at once where no node uses it. */
  loseInCrash(what: DiskDamage | 'everything'): void {
    if (this.#user === null) this.#lose(what);
    else this.#losesInCrash = what;
  }

  /** The next crash costs nothing after all. */
  spare(): void {
    this.#losesInCrash = null;
  }

  #lose(what: DiskDamage | 'everything'): void {
    if (what === 'everything') this.wipe();
    else this.#damage(what);
  }

  /** Everything on it is gone. Nobody may use it meanwhile. */
  wipe(): void {
    this.files.clear();
    this.isDamaged = false;
    this.counters.wiped += 1;
  }

  #damage(kind: DiskDamage): void {
    const files = [...this.files].filter(([, bytes]) => bytes.length > 0);
    if (files.length === 0) return;
    const [name, bytes] = pick(this.#random, files);
    const damaged = bytes.slice();
    if (kind === 'flip' || !this.#misdirect(damaged, pick(this.#random, files)[1])) this.#flip(damaged);
    this.files.set(name, damaged);
    this.counters.damaged += 1;
    this.isDamaged = true;
  }

  #flip(bytes: Uint8Array): void {
    const at = this.#random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << this.#random.below(8));
  }

  /** A sector meant for elsewhere comes to lie over one of these. False: it would have made no difference. */
  #misdirect(bytes: Uint8Array, source: Uint8Array): boolean {
    const to = this.#sectorOf(bytes.length);
    const from = this.#sectorOf(source.length);
    const sector = source.slice(from, from + Math.min(SECTOR_BYTES, bytes.length - to));
    const differs = sector.some((byte, at) => byte !== bytes[to + at]);
    // Sectors of zeros are what a power cut leaves, and are taken for that.
    if (!differs || sector.every((byte) => byte === 0)) return false;
    bytes.set(sector, to);
    return true;
  }

  #sectorOf(length: number): number {
    return SECTOR_BYTES * this.#random.below(Math.ceil(length / SECTOR_BYTES));
  }

  // ---- writes

  #write(steps: readonly DiskStep[], done: (error: Error | null) => void): void {
    if (this.#writing !== null) throw new Error(`${this.path}: one write after another`);
    this.#writing = { steps, done, next: 0 };
    this.#later();
  }

  get #latencyMs(): number {
    return this.#stepMs * (0.5 + this.#random.float()) + this.#slowMs * this.#random.float();
  }

  #later(): void {
    const writing = this.#writing;
    this.#world.schedule(this.#user, this.#latencyMs, () => {
      if (this.#writing === writing) this.#step(writing as Writing);
    });
  }

  #step(writing: Writing): void {
    const step = writing.steps[writing.next];
    if (step === undefined) return this.#end(writing, null);
    if (this.#full > 0 && (step.kind === 'append' || step.kind === 'create')) return this.#refuse(writing, step);
    this.counters.steps += 1;
    this.#apply(step);
    writing.next += 1;
    if (writing.next === writing.steps.length) this.#end(writing, null);
    else this.#later();
  }

  #refuse(writing: Writing, step: DiskStep): void {
    this.counters.refused += 1;
    this.hasFailed = true;
    this.#partOf(step, false);
    this.#end(
      writing,
      new KeyvalError('KV_STATE', `the state directory ${this.path} cannot be used: the disk is full`),
    );
  }

  #end({ done }: Writing, error: Error | null): void {
    this.#writing = null;
    done(error);
  }

  /** Only the step under way is touched by a crash: those before it are durable, those behind it have not begun. */
  #interrupt(isPowerLost: boolean): void {
    const step = this.#writing?.steps[this.#writing.next];
    this.#writing = null;
    if (step === undefined || chance(this.#random, NOTHING)) return;
    if (chance(this.#random, WHOLE / (1 - NOTHING))) return this.#apply(step);
    this.#partOf(step, isPowerLost);
  }

  /** What is left of a step that came to no end: a file is renamed, cut or removed as a whole or not at all. */
  #partOf(step: DiskStep, isPowerLost: boolean): void {
    if (step.kind === 'create') {
      this.files.set(`${step.name}.part`, step.bytes.slice(0, this.#random.below(step.bytes.length + 1)));
    } else if (step.kind === 'append' && step.bytes.length > 0) {
      this.counters.torn += 1;
      const before = this.files.get(step.name)?.length ?? 0;
      if (isPowerLost && chance(this.#random, 0.5)) this.#append(step.name, this.#withoutSector(step.bytes, before));
      else this.#append(step.name, step.bytes.slice(0, this.#random.below(step.bytes.length)));
    }
  }

  /** The file has its length, but a sector of what was appended at `before` never reached the disk. */
  #withoutSector(bytes: Uint8Array, before: number): Uint8Array {
    const left = bytes.slice();
    const lost = before + this.#random.below(bytes.length);
    const start = lost - (lost % SECTOR_BYTES);
    left.fill(0, Math.max(0, start - before), start + SECTOR_BYTES - before);
    return left;
  }

  #apply(step: DiskStep): void {
    const { files } = this;
    if (step.kind === 'create') {
      files.delete(`${step.name}.part`);
      files.set(step.name, step.bytes.slice());
    } else if (step.kind === 'append') this.#append(step.name, step.bytes);
    else if (step.kind === 'cut')
      files.set(step.name, (files.get(step.name) ?? new Uint8Array(0)).slice(0, step.length));
    else files.delete(step.name);
  }

  #append(name: string, bytes: Uint8Array): void {
    const before = this.files.get(name) ?? new Uint8Array(0);
    const after = new Uint8Array(before.length + bytes.length);
    after.set(before);
    after.set(bytes, before.length);
    this.files.set(name, after);
  }
}

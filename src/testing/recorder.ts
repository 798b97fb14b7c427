/** The history of what clients did (format kvh/1), kept in memory and stamped with virtual time. */
import { absorb, finish } from '../base/mix.ts';
import { KeyvalError } from '../errors.ts';
import type { Counters, Outcome } from './counters.ts';
import type { KeyNames } from './key-names.ts';
import { NEVER_ANSWERED } from './never-answered.ts';
import type { World } from './world.ts';

export type Fields = Record<string, unknown>;

export type Level = 'lin' | 'stale';

export interface Recorded {
  readonly id: number;
  readonly who: string;
  readonly kind: string;
  readonly key: string;
  readonly sentNs: number;
  readonly asked: Fields;
  /** What a read promises. */
  readonly level: Level;
  /** It is about a key that counts no more: what comes of it is not held against anybody. */
  isForgotten: boolean;
  answeredNs: number;
  outcome: Outcome | null;
  answer: Fields;
}

/** How far the rates of two clocks may be apart, as the judge wants it: ρ with something to spare. */
const DRIFT_PPM = 11_000;
/** Longer values stand in the history as their beginning and a hash. */
const VALUE_CHARACTERS_MAX = 100;
/** Of them every so many-th character counts. */
const SAMPLE_STEP = 13;
export class Recorder {
  readonly #world: World;
  readonly #counters: Counters;
  #operations: Recorded[] = [];
  #lastId = 0;
  readonly #names: KeyNames;

  constructor(world: World, counters: Counters, names: KeyNames) {
    this.#names = names;
    this.#world = world;
    this.#counters = counters;
  }

  get size(): number {
    return this.#operations.length;
  }

  get nowNs(): number {
    return Math.round(this.#world.nowMs * 1e6);
  }

  call(
    who: string,
    kind: string,
    key: string,
    asked: Fields,
    sentNs: number = this.nowNs,
    level: Level = 'lin',
  ): Recorded {
    this.#lastId += 1;
    const recorded: Recorded = {
      id: this.#lastId,
      who,
      kind,
      key,
      sentNs,
      asked,
      level,
      isForgotten: !this.#names.isCurrent(key),
      answeredNs: 0,
      outcome: null,
      answer: {},
    };
    if (!recorded.isForgotten) this.#operations.push(recorded);
    return recorded;
  }

  /** Some names have lost their meaning: what is under way under them has an unknown outcome. */
  forget(): void {
    for (const recorded of this.#operations)
      if (recorded.outcome === null && !this.#names.isCurrent(recorded.key)) recorded.isForgotten = true;
  }

  answered(recorded: Recorded, answer: Fields): void {
    this.#end(recorded, 'ok', answer);
  }

  /** A request that ended with an error: certainly without effect, or nobody knows. */
  failed(recorded: Recorded, error: unknown): void {
    const known = this.mustBeForeseen(`${recorded.kind} ${recorded.key} by ${recorded.who}`, error);
    if (known === null) return;
    this.#end(recorded, known.outcome === 'not-done' ? 'fail' : 'unknown', {}, known.code);
  }

  /** Whatever faults there are, some errors are bugs. Null: it is not even one of the errors that there are. */
  mustBeForeseen(what: string, error: unknown): KeyvalError | null {
    if (!(error instanceof KeyvalError)) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#world.fail('client crash', `${what}: ${text}`);
      return null;
    }
    this.#counters.error(error.code);
    if (NEVER_ANSWERED.has(error.code)) this.#world.fail('unexpected error', `${what}: ${error.code} ${error.message}`);
    return error;
  }

  #end(recorded: Recorded, outcome: Outcome, answer: Fields, code = ''): void {
    if (!recorded.isForgotten) {
      recorded.outcome = outcome;
      recorded.answer = answer;
      recorded.answeredNs = this.nowNs;
    }
    this.#counters.operation(recorded.kind, outcome);
    this.#world.note(recorded.id * 4 + outcome.length);
    if (this.#world.trace.wanted) {
      const { who, kind, key, asked } = recorded;
      const text = `${kind} ${key} ${JSON.stringify(asked)} → ${outcome} ${code}${JSON.stringify(answer)}`;
      this.#world.trace.line(who, text);
    }
  }

  /** The lines so far; the next operation begins a history of its own. */
  take(leaseMs: number): string[] {
    const operations = this.#operations;
    this.#operations = [];
    const meta = {
      t: 'meta',
      fmt: 'kvh/1',
      seed: this.#world.seed,
      ttl: leaseMs * 1e6,
      driftPpm: DRIFT_PPM,
      denyFree: true,
    };
    return [JSON.stringify(meta), ...operations.flatMap(linesOf)];
  }
}

function linesOf({ id, who, kind, key, sentNs, asked, level, answeredNs, outcome, answer }: Recorded): string[] {
  const lvl = level === 'lin' ? {} : { lvl: level };
  const call = JSON.stringify({ t: 'call', id, p: who, ts: sentNs, f: kind, k: key, a: asked, ...lvl });
  if (outcome === null) return [call];
  return [call, JSON.stringify({ t: 'ret', id, ts: answeredNs, r: outcome, o: answer })];
}

/** A value as the history shows it. */
export function inHistory(value: string): string {
  if (value.length <= VALUE_CHARACTERS_MAX) return value;
  let hash = 0;
  for (let at = 0; at < value.length; at += SAMPLE_STEP) hash = absorb(hash, value.charCodeAt(at));
  return `${value.slice(0, 24)}…${value.length}:${finish(hash)}`;
}

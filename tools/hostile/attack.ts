/** What an attack is: it says what it does, does it, and counts what it met against what should be. */
import type { Prng } from '../../src/base/prng.ts';

export interface AttackContext {
  /** Nodes of a cluster of three without a secret, as `host:port`; the first one is attacked. */
  readonly nodes: readonly string[];
  /** A node alone, with a secret. */
  readonly guarded: string;
  readonly secret: Uint8Array;
  /** About how long the attack goes on. */
  readonly seconds: number;
  /** Connections of the attack that holds many. */
  readonly connections: number;
  /** Requests of those that send very many at once. */
  readonly requests: number;
  /** Share of the cases that are tried, of attacks that go through many. */
  readonly share: number;
  /** Ports that the attack may listen on, this one and the next three. */
  readonly port: number;
  readonly random: Prng;
  readonly tally: Tally;
}

export interface Attack {
  readonly name: string;
  readonly does: string;
  /** False: the node of the honest client is not the one attacked, and its times say nothing. */
  readonly timed?: boolean;
  run(context: AttackContext): Promise<void>;
}

/** How long to wait for what must happen; where no times are judged, longer. */
export const patience: { hangMs: number; lateMs: number } = {
  /** A node that takes longer for anything counts as hanging. */
  hangMs: 5000,
  /** Later than a limit says. */
  lateMs: 1500,
};

/** Different things that went wrong are listed up to this number; all are counted. */
const TEXTS_MAX = 8;

export interface Findings {
  readonly attempts: number;
  readonly answered: number;
  readonly refused: number;
  readonly dropped: number;
  /** Times a node did not answer in time. */
  readonly hangs: number;
  readonly wrong: number;
  readonly texts: readonly string[];
  readonly notes: readonly string[];
}

export class Tally {
  attempts = 0;
  answered = 0;
  refused = 0;
  dropped = 0;
  hangs = 0;
  wrong = 0;
  readonly #texts: Map<string, number> = new Map();
  readonly #notes: string[] = [];

  /** Not as it should be. */
  failed(text: string): void {
    this.wrong += 1;
    if (this.#texts.has(text) || this.#texts.size < TEXTS_MAX) this.#texts.set(text, (this.#texts.get(text) ?? 0) + 1);
  }

  /** The node should have answered or closed, and did neither in time. */
  hung(text: string): void {
    this.hangs += 1;
    this.failed(`hangs: ${text}`);
  }

  /** Counts, and fails with `text` unless it holds. */
  expect(holds: boolean, text: string): void {
    if (!holds) this.failed(text);
  }

  /** A figure worth a line in the report. */
  note(text: string): void {
    this.#notes.push(text);
  }

  get findings(): Findings {
    const { attempts, answered, refused, dropped, hangs, wrong } = this;
    const texts = [...this.#texts].map(([text, times]) => (times > 1 ? `${text} (${times} times)` : text));
    return { attempts, answered, refused, dropped, hangs, wrong, texts, notes: this.#notes };
  }
}

/** Runs `step` over and over, `atATime` of them side by side and at most `perSecond`, until the time is up. */
export async function untilOver(
  seconds: number,
  { atATime, perSecond }: { atATime: number; perSecond: number },
  step: (number: number) => Promise<void>,
): Promise<void> {
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  let started = 0;
  const worker = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const number = started;
      started += 1;
      const dueMs = startMs + (number * 1000) / perSecond;
      if (dueMs >= endMs) return;
      await pause(dueMs - performance.now());
      await step(number);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

/** Runs `step` on each item, `atATime` of them side by side. */
export async function onEach<T>(items: readonly T[], atATime: number, step: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await step(item);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms <= 0) resolve();
    else setTimeout(resolve, ms);
  });
}

/** An address of this machine to connect from, of its own for each thousand connections. */
export function sourceAddress(index: number): string {
  return `127.0.1.${1 + (Math.floor(index / 1000) % 200)}`;
}

/** One loop of a thread: an operation, its answer, the next operation, until the run ends. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Prng } from '../../src/base/prng.ts';
import type { Increments } from './increments.ts';
import type { Kind } from './kinds.ts';
import type { Mix } from './mix.ts';
import type { Operations } from './operations.ts';
import type { Pacer } from './pacer.ts';
import type { Picker } from './zipf.ts';

/** With `--verify`, the part of all operations that are increments: enough to find faults, with the mix around them. */
const INCREMENT_SHARE = 0.25;

/** After an error, ms: what fails at once must not keep the loop from everything else. */
const ERROR_PAUSE_MS = 10;

/** What the loops of a thread share. */
export interface FlowHost {
  readonly mix: Mix;
  readonly picker: Picker;
  /** Null: no rate is given. */
  readonly pacer: Pacer | null;
  readonly nowNs: () => number;
  /** True if one more operation is to be started, which counts it. */
  begin(): boolean;
  readonly stopped: boolean;
  answered(kind: Kind, durationNs: number, accepted: boolean): void;
  /** @throws what is no KeyvalError */
  failed(kind: Kind, error: unknown): void;
}

export interface FlowOptions {
  readonly random: Prng;
  readonly operations: Operations;
  /** Null without `--verify`. */
  readonly increments: Increments | null;
}

export async function runFlow(host: FlowHost, options: FlowOptions): Promise<void> {
  while (host.begin()) {
    const startNs = host.pacer === null ? host.nowNs() : await host.pacer.turn();
    if (host.stopped) return;
    const kind = pickKind(host, options);
    try {
      const accepted = await perform(kind, host, options);
      host.answered(kind, host.nowNs() - startNs, accepted);
    } catch (error) {
      host.failed(kind, error);
      await delay(ERROR_PAUSE_MS);
    }
  }
}

function pickKind({ mix }: FlowHost, { random, increments }: FlowOptions): Kind {
  if (increments === null || random.float() >= INCREMENT_SHARE) return mix.pick(random.float());
  return random.float() < 0.5 ? 'increment-lock' : 'increment-cas';
}

function perform(kind: Kind, { picker }: FlowHost, { random, operations, increments }: FlowOptions): Promise<boolean> {
  if (kind === 'increment-lock') return (increments as Increments).underLock();
  if (kind === 'increment-cas') return (increments as Increments).byCas();
  return operations[kind](picker.pick(random));
}

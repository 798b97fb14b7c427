/**
 * What is going to happen in a simulated world, in order: by virtual time, and among events of one time in the order in
 * which they were scheduled, so that a run depends on nothing but its seed. A binary heap (Williams 1964).
 */
import type { SimProcess } from './sim-process.ts';

export class SimEvent {
  atMs: number;
  id: number;
  /** Whose event it is: it waits while that process is paused, and is dropped when it is dead. Null: the world's own. */
  readonly process: SimProcess | null;
  readonly run: () => void;
  cancelled = false;

  constructor(atMs: number, id: number, process: SimProcess | null, run: () => void) {
    this.atMs = atMs;
    this.id = id;
    this.process = process;
    this.run = run;
  }

  cancel(): void {
    this.cancelled = true;
  }
}

export class EventHeap {
  readonly #events: SimEvent[] = [];

  get size(): number {
    return this.#events.length;
  }

  /** The earliest event, which stays. */
  peek(): SimEvent | undefined {
    return this.#events[0];
  }

  push(event: SimEvent): void {
    const events = this.#events;
    let empty = events.length;
    events.push(event);
    while (empty > 0) {
      const parent = (empty - 1) >> 1;
      const above = events[parent] as SimEvent;
      if (isBefore(above, event)) break;
      events[empty] = above;
      empty = parent;
    }
    events[empty] = event;
  }

  pop(): SimEvent | undefined {
    const events = this.#events;
    const top = events[0];
    const last = events.pop();
    if (last === undefined || events.length === 0) return top;
    let empty = 0;
    for (let child = 1; child < events.length; child = 2 * empty + 1) {
      const right = child + 1;
      if (right < events.length && isBefore(events[right] as SimEvent, events[child] as SimEvent)) child = right;
      const below = events[child] as SimEvent;
      if (isBefore(last, below)) break;
      events[empty] = below;
      empty = child;
    }
    events[empty] = last;
    return top;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.id < b.id);
}

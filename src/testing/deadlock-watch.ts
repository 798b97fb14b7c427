/**
 * L10, seen from outside: nobody's wait ends for a deadlock that was none, and none lasts. At the moment at which a second
 * round begins, the state that has got furthest of each partition is looked at: what is found after that round must be there.
 * While everything is healed, a circle of waits must not last longer than two periods after it could be seen.
 *
 * Who waits for whom is written down here once more, as plainly as can be, wait by wait.
 */
import { isCompatible } from '../base/lock-mode.ts';
import type { Node } from '../node/node.ts';
import type { PartitionPrimary } from '../node/partition-primary.ts';
import type { PartitionState } from '../node/partition-state.ts';
import type { Counters } from './counters.ts';
import { newestStateOf } from './newest-state.ts';
import type { SimCluster } from './sim-cluster.ts';

const NONE = -1;
const LOOK_EVERY_MS = 250;
/** A round that lacks an answer lasts a second; leases and links may have to come back first. */
const SLACK_MS = 4000;
const OWNER_DIGITS = 16;

interface Holder {
  readonly request: number;
  readonly owner: string;
  readonly mode: number;
}

/** A wait as the state has it. */
interface Wait {
  readonly name: string;
  readonly owner: string;
  readonly mode: number;
  readonly holders: readonly Holder[];
  /** Those that must have the lock first. */
  readonly ahead: readonly Wait[];
  readonly request: number;
  readonly partition: number;
}

export class DeadlockWatch {
  readonly #cluster: SimCluster;
  readonly #counters: Counters;
  /** By node: all waits when its present second round began. */
  readonly #seen: WeakMap<Node, ReadonlyMap<string, Wait>> = new WeakMap();
  /** By wait that is part of a circle: since when it is seen so. */
  #since: Map<string, number> = new Map();
  #isHealed = false;
  #lookAtMs = 0;

  constructor(cluster: SimCluster, counters: Counters) {
    this.#cluster = cluster;
    this.#counters = counters;
  }

  started(node: Node): void {
    const { deadlocks } = node.dataPlane;
    const { rounds } = deadlocks;
    const begin = rounds.begin.bind(rounds);
    rounds.begin = (former, suspected): void => {
      if (former !== null) this.#seen.set(node, this.#waits());
      const { dropped } = rounds;
      begin(former, suspected);
      this.#counters.count('deadlocksDropped', rounds.dropped - dropped);
    };
    const answered = rounds.answered.bind(rounds);
    rounds.answered = (slot, number, locks): void => {
      const { dropped } = rounds;
      answered(slot, number, locks);
      this.#counters.count('deadlocksDropped', rounds.dropped - dropped);
    };
    const condemn = deadlocks.condemn.bind(deadlocks);
    deadlocks.condemn = (deadlock, by, round): void => {
      const names = deadlock.map(
        ({ lock, wait }) => `${lock.partition} ${wait.epoch} ${wait.operation} ${wait.sequence}`,
      );
      this.#mustBeCircle(node, names);
      condemn(deadlock, by, round);
    };
    const end = deadlocks.end.bind(deadlocks);
    deadlocks.end = (condemned): void => {
      const { ended } = deadlocks;
      end(condemned);
      this.#counters.count('deadlocksResolved', deadlocks.ended - ended);
    };
  }

  #mustBeCircle(node: Node, names: readonly string[]): void {
    const seen = this.#seen.get(node) ?? new Map<string, Wait>();
    names.forEach((name, index) => {
      const wait = seen.get(name);
      const next = seen.get(names[(index + 1) % names.length] as string);
      if (wait !== undefined && next !== undefined && isHeldUp(wait, next)) return;
      const text = `${node.address}: ${names.join(' → ')} is no circle: ${name} does not wait for the next one`;
      this.#cluster.world.fail('L10', text);
    });
  }

  // ---- none lasts

  healed(): void {
    this.#isHealed = true;
    this.#since.clear();
  }

  unhealed(): void {
    this.#isHealed = false;
  }

  stepped(): void {
    const { nowMs } = this.#cluster.world;
    if (!this.#isHealed || nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + LOOK_EVERY_MS;
    const { deadlockPeriodMs, deadlockAfterMs } = this.#cluster.settings.book;
    const limitMs = 2 * deadlockPeriodMs + deadlockAfterMs + SLACK_MS;
    const since: Map<string, number> = new Map();
    for (const circle of this.#circles()) {
      const name = circle.join(' → ');
      since.set(name, this.#since.get(name) ?? nowMs);
      if (nowMs - (since.get(name) as number) > limitMs)
        this.#cluster.world.fail('L10', `a deadlock is not found within ${limitMs} ms: ${name}`);
    }
    this.#since = since;
  }

  /** Of each wait that is in a circle whose waits all have somebody to be told: the shortest such. */
  #circles(): string[][] {
    const waits = [...this.#waits().values()].filter((wait) => wait.owner !== '' && this.#isHeard(wait));
    return waits.flatMap((wait) => {
      const circle = circleThrough(wait, waits);
      return circle === null ? [] : [circle];
    });
  }

  #isHeard({ partition, request }: Wait): boolean {
    const primary = this.#primaryOf(partition);
    return primary?.locks.waits.isHeard(request) === true;
  }

  #primaryOf(partition: number): PartitionPrimary | null {
    const primaries = this.#cluster.seats.flatMap(({ node }) => node?.primaries[partition] ?? []);
    return primaries.find(({ serving }) => serving) ?? null;
  }

  // ---- the states

  #waits(): Map<string, Wait> {
    const waits: Map<string, Wait> = new Map();
    for (let partition = 0; partition < this.#cluster.settings.partitions; partition += 1) {
      const state = newestStateOf(this.#cluster, partition);
      if (state === null) continue;
      for (const wait of waitsIn(state, partition)) waits.set(wait.name, wait);
    }
    return waits;
  }
}

function waitsIn({ locks, attachments }: PartitionState, partition: number): Wait[] {
  const { requests } = locks;
  const ownerOf = (request: number): string => {
    const session = attachments.atSlot(requests.attachment(request))?.session ?? '';
    const flow = requests.flow(request) >>> 1;
    return flow === 0 || session === '' ? '' : `${session.slice(0, OWNER_DIGITS)} ${flow}`;
  };
  const waits: Wait[] = [];
  for (let slot = locks.next(0); slot >= 0; slot = locks.next(slot + 1)) {
    const holders: Holder[] = [];
    for (let held = locks.firstGranted(slot); held !== NONE; held = locks.grantedAfter(held))
      holders.push({ request: held, owner: ownerOf(held), mode: requests.mode(held) });
    const line: Wait[] = [];
    const add = (request: number, ahead: readonly Wait[]): void => {
      const attachment = attachments.atSlot(requests.attachment(request));
      const name = `${partition} ${attachment?.epoch} ${attachment?.operation} ${locks.waitSequence(request)}`;
      const conversion = locks.conversionOf(request);
      const holds = conversion !== undefined || (requests.flow(request) & 1) !== 0;
      const owner = holds ? ownerOf(request) : '';
      const mode = locks.wantedMode(request);
      line.push({ name, owner, mode, holders, ahead, request, partition });
    };
    for (let wait = locks.firstConverting(slot); wait !== NONE; wait = locks.convertingAfter(wait))
      add(wait, [...line]);
    for (let wait = locks.firstWaiter(slot); wait !== NONE; wait = locks.waiterAfter(wait)) add(wait, [...line]);
    waits.push(...line);
  }
  return waits;
}

/** Whether `wait` cannot end while the owner of `other` gets no further. */
function isHeldUp(wait: Wait, other: Wait): boolean {
  if (wait.ahead.some(({ name }) => name === other.name)) return true;
  return [wait, ...wait.ahead].some(({ holders, request, mode }) =>
    holders.some(
      (holder) => holder.request !== request && holder.owner === other.owner && !isCompatible(mode, holder.mode),
    ),
  );
}

function circleThrough(wait: Wait, waits: readonly Wait[]): string[] | null {
  const from: Map<Wait, Wait> = new Map();
  const reached = [wait];
  for (const one of reached) {
    for (const next of waits) {
      if (from.has(next) || !isHeldUp(one, next)) continue;
      from.set(next, one);
      reached.push(next);
      if (next !== wait) continue;
      const circle = [wait.name];
      for (let before = from.get(wait) as Wait; before !== wait; before = from.get(before) as Wait)
        circle.unshift(before.name);
      return [wait.name, ...circle.slice(0, -1)];
    }
  }
  return null;
}

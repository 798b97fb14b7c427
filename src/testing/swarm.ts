/**
 * What a seed decides before anything begins: the size of the cluster, its settings, how good the network is, what the
 * clients do, and which faults there are. Swarm testing (Groce et al., 2012): every seed leaves out some faults and
 * features altogether, so that those that are left meet more often. The settings are also where rare branches are forced:
 * tiny kernels, chunks torn at any byte, memory that is almost full, leases as short as they may be.
 */
import type { Prng } from '../base/prng.ts';
import type { NodeSettings } from '../node/settings.ts';
import type { NetworkOptions } from './sim-network.ts';

export interface ClusterSettings {
  readonly cluster: string;
  readonly nodes: number;
  readonly partitions: number;
  readonly replicas: number;
  readonly secret: Uint8Array | null;
  readonly memoryBytesMax: number;
  readonly connectionsMax: number;
  readonly busyTurn: number;
  readonly timersLateMs: number;
  /** How long a disk takes for one step on average. */
  readonly diskStepMs: number;
  /** What concerns the book; it counts where there is one (dynamic.ts). */
  readonly book: Pick<
    NodeSettings,
    'minInSync' | 'reads' | 'onLoss' | 'isNew' | 'maxLeaseMs' | 'deadlockPeriodMs' | 'deadlockAfterMs'
  >;
  readonly network: NetworkOptions;
}

export interface LoadSettings {
  readonly clients: number;
  readonly flowsPerClient: number;
  readonly leaseMs: number;
  readonly timeoutMs: number;
  /** Between two requests of a flow, on average. */
  readonly thinkMs: number;
  readonly keys: number;
  readonly locks: number;
  /** Weights of what a flow does next; 0: never. */
  readonly weights: Readonly<Record<Action, number>>;
  /** Longest time spent under a lock, as a share of the lease; and so many need renewals. */
  readonly sectionOfLease: number;
  readonly longSections: number;
  /** Times to live lie around this. */
  readonly ttlMs: number;
  readonly largeBytes: number;
}

const actions = [
  'get',
  'put',
  'cas',
  'incr',
  'delete',
  'expiring',
  'lock',
  'tryLock',
  'update',
  'lockAll',
  'modes',
  'deadlock',
  'batch',
  'large',
  'scan',
  'load',
  'check',
  'status',
] as const;

export type Action = (typeof actions)[number];

/** How often each is chosen where it is not left out. */
const USUAL_WEIGHTS: Readonly<Record<Action, number>> = {
  get: 30,
  put: 16,
  cas: 10,
  incr: 12,
  delete: 4,
  expiring: 8,
  lock: 12,
  tryLock: 3,
  update: 6,
  lockAll: 3,
  modes: 8,
  deadlock: 4,
  batch: 4,
  large: 1,
  scan: 0.7,
  load: 0.7,
  check: 0.3,
  status: 0.3,
};
/** Never left out: without them nothing is seen. */
const ALWAYS: ReadonlySet<Action> = new Set(['get', 'put']);

export function clusterSettings(random: Prng): ClusterSettings {
  const disk = random.fork('disk');
  const book = random.fork('book');
  const deadlocks = random.fork('deadlocks');
  const nodes = pick(random, [1, 3, 3, 3, 3, 4, 5]);
  const delayMs = pick(random, [0.1, 0.5, 2, 20]);
  return {
    cluster: 'simulated',
    nodes,
    partitions: pick(random, [2, 4, 4, 8]),
    replicas: pick(random, [1, 2, 3, 3, 3, 3, 5]),
    secret: chance(random, 0.3) ? new Uint8Array([1, 2, 3, 4]) : null,
    memoryBytesMax: chance(random, 0.1) ? pick(random, [1, 2]) * 1024 * 1024 : 0,
    connectionsMax: 1000,
    busyTurn: pick(random, [1, 4, 4, 1000]),
    timersLateMs: pick(random, [0.5, 2, 15]),
    diskStepMs: pick(disk, [0.05, 0.5, 5]),
    book: {
      minInSync: pick(book, [1, 2, 2, 2, 3]),
      reads: pick(book, ['strict', 'lease', 'lease']),
      // An operator would do by hand what this does at once.
      onLoss: 'empty',
      isNew: chance(book, 0.7),
      // Not shorter than the leases of the workload.
      maxLeaseMs: pick(book, [10_000, 20_000]),
      deadlockPeriodMs: pick(deadlocks, [200, 1000, 1000]),
      deadlockAfterMs: pick(deadlocks, [0, 100, 500]),
    },
    network: {
      quality: {
        delayMs,
        jitterMs: pick(random, [0.05, 0.5, 5]),
        bytesPerMs: pick(random, [1000, 10_000, 100_000]),
        tears: pick(random, [0, 0.02, 0.3]),
      },
      // Tiny kernels over long distances would take seconds for a large value, longer than any lease.
      roomBytes: pick(random, [delayMs > 2 ? 256 * 1024 : 4 * 1024, 64 * 1024, 1024 * 1024]),
      giveUpMs: pick(random, [2000, 5000, 12_000]),
    },
  };
}

export function loadSettings(random: Prng): LoadSettings {
  const clients = pick(random, [2, 3, 4, 4]);
  const flowsPerClient = pick(random, [2, 3, 4]);
  return {
    clients,
    flowsPerClient,
    leaseMs: pick(random, [300, 1000, 3000, 10_000]),
    timeoutMs: pick(random, [400, 2000, 5000]),
    thinkMs: pick(random, [20, 30, 40]) * clients * flowsPerClient,
    keys: pick(random, [3, 6, 12]),
    locks: pick(random, [1, 2, 4]),
    weights: weights(random),
    sectionOfLease: 0.6,
    longSections: 0.25,
    ttlMs: pick(random, [50, 300, 2000]),
    largeBytes: pick(random, [70_000, 200_000, 600_000]),
  };
}

/** What clients are to do: everything, or hardly anything but locks, many of them, in short sections. */
export type LoadKind = 'all' | 'locks';

/** Many waiters for few locks, under short leases: a pause is many leases long. */
export function lockLoad(random: Prng): LoadSettings {
  const rare = Object.fromEntries(actions.map((action) => [action, 0])) as Record<Action, number>;
  return {
    ...loadSettings(random),
    clients: 4,
    flowsPerClient: pick(random, [6, 8, 10]),
    leaseMs: pick(random, [300, 500, 1000]),
    timeoutMs: 2000,
    thinkMs: pick(random, [1, 4]),
    locks: pick(random, [1, 2]),
    weights: { ...rare, get: 1, put: 1, lock: 60, tryLock: 1, update: 20, lockAll: 1, modes: 8, deadlock: 0.3 },
    sectionOfLease: 0.04,
    longSections: 0.01,
  };
}

function weights(random: Prng): Record<Action, number> {
  const chosen = { ...USUAL_WEIGHTS };
  for (const action of actions) if (!ALWAYS.has(action) && chance(random, 0.25)) chosen[action] = 0;
  return chosen;
}

/** The next action of a flow. */
export function chooseAction(random: Prng, weights: Readonly<Record<Action, number>>): Action {
  let sum = 0;
  for (const action of actions) sum += weights[action];
  let left = random.float() * sum;
  for (const action of actions) {
    left -= weights[action];
    if (left < 0) return action;
  }
  return 'get';
}

export function pick<T>(random: Prng, from: readonly T[]): T {
  return from[random.below(from.length)] as T;
}

export function chance(random: Prng, share: number): boolean {
  return random.float() < share;
}

/** From `low` to `high`, small values as likely as large ones by order of magnitude. */
export function spread(random: Prng, low: number, high: number): number {
  // Doubling steps: Math.pow is not the same on every engine.
  let doublings = 0;
  for (let at = low; at * 2 <= high; at *= 2) doublings += 1;
  let value = low * (1 + random.float());
  for (let step = random.below(doublings + 1); step > 0; step -= 1) value *= 2;
  return value > high ? high : value;
}

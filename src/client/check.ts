/**
 * Do the replicas of a partition hold the same? All of them are asked for a digest at one operation: first at the one
 * where the primary is now; while writes go on some replica will have passed that, and then at one a little ahead, which
 * each comes to in its own time. No writer is held up.
 */
import { KeyvalError } from '../errors.ts';
import type { Bounds } from './body-request.ts';
import { digestOfReplica, type ReplicaDigest } from './digest.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { NodeLink } from './node-link.ts';

export interface CheckedReplica {
  readonly node: string;
  readonly primary: boolean;
  readonly keys: number;
  readonly digest: string;
}

export interface PartitionCheck {
  readonly partition: number;
  /** `unknown`: they could not all be compared; `reason` says why. */
  readonly verdict: 'same' | 'differs' | 'unknown';
  /** The operation at which they were compared, 0n when they were not. */
  readonly revision: bigint;
  /** Those compared. */
  readonly replicas: readonly CheckedReplica[];
  readonly reason: string | null;
}

/** How long a replica may take to come to an operation that has been committed, or soon will be. */
const WAIT_MS = 1000;
const ATTEMPTS = 8;
/** Operations to look ahead: at least this many, and twice as many as came between two answers. */
const AHEAD_MIN = 16;
/** A node that has not answered for this long is not asked about further partitions. */
const SILENT_MS = 1000;
const TOO_FAST = 'writes go on too fast to catch all replicas at one operation';

type Answer = { readonly link: NodeLink } & (
  | { readonly kind: 'digest'; readonly digest: ReplicaDigest }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly error: KeyvalError }
);

/** Nodes that were asked in vain, and with what result. */
type Silent = Map<NodeLink, KeyvalError>;

export class PartitionChecker {
  readonly #dispatcher: Dispatcher;
  readonly #partition: number;
  readonly #bounds: Bounds;
  readonly #silent: Silent;

  constructor(dispatcher: Dispatcher, partition: number, bounds: Bounds, silent: Silent = new Map()) {
    this.#dispatcher = dispatcher;
    this.#partition = partition;
    this.#bounds = bounds;
    this.#silent = silent;
  }

  get #leftMs(): number {
    return this.#bounds.deadlineMs - this.#dispatcher.ports.clock.monotonicMs();
  }

  async check(): Promise<PartitionCheck> {
    let ahead = AHEAD_MIN;
    let target = 0n;
    let answers: readonly Answer[] = [];
    for (let attempt = 0; attempt < ATTEMPTS && (attempt === 0 || this.#leftMs > 0); attempt += 1) {
      const primary = this.#primary;
      if (primary === null) return this.#unknown([], 'the partition has no primary at present');
      const began = target === 0n ? await this.#askOne(primary, 0n) : null;
      if (began?.kind === 'none' && primary !== this.#primary) continue;
      if (began !== null && began.kind !== 'digest') return this.#withoutPrimary(began);
      const at = began?.digest.revision ?? target;
      answers = [...(began === null ? [] : [began]), ...(await this.#ask(at, began === null))];
      const digests = answers.flatMap((answer) => (answer.kind === 'digest' ? [answer.digest] : []));
      if (digests.every(({ state }) => state === 'digest')) return this.#compare(answers, at);
      const furthest = digests.reduce((most, { revision }) => (revision > most ? revision : most), 0n);
      // Nobody has come so far: the writes have paused, and the next attempt finds them at rest.
      if (furthest < at) target = 0n;
      else {
        ahead = Math.max(ahead * 2, Number(furthest - at) * 2);
        target = furthest + BigInt(ahead);
      }
    }
    return this.#unknown(answers, behindText(answers) ?? TOO_FAST);
  }

  /** The primary does not serve, so nothing is written, and the backups are compared as they are. */
  async #withoutPrimary(primary: Answer): Promise<PartitionCheck> {
    const backups = await this.#ask(0n, false);
    const at = backups.reduce(
      (most, one) => (one.kind === 'digest' && most < one.digest.revision ? one.digest.revision : most),
      0n,
    );
    const answers = backups.map((one): Answer => {
      if (one.kind !== 'digest' || one.digest.revision === at) return one;
      const error = new KeyvalError(
        'KV_NO_QUORUM',
        'it holds less than another backup, and the primary cannot send the rest',
      );
      return { link: one.link, kind: 'failed', error };
    });
    if (answers.filter(({ kind }) => kind === 'digest').length < 2) return this.#unknown([primary, ...answers]);
    return this.#compare([primary, ...answers], at);
  }

  /** Another one after a failover or a hand-over. */
  get #primary(): NodeLink | null {
    return this.#dispatcher.router.linkOf(this.#partition);
  }

  #ask(revision: bigint, withPrimary: boolean): Promise<Answer[]> {
    const primary = this.#primary;
    const links = this.#dispatcher.router.links.filter((link) => withPrimary || link !== primary);
    return Promise.all(links.map((link) => this.#askOne(link, revision)));
  }

  async #askOne(link: NodeLink, revision: bigint): Promise<Answer> {
    const leftMs = this.#leftMs;
    try {
      const known = this.#silent.get(link) ?? (link.up ? null : link.lastError);
      if (known !== null) throw known;
      const waitMs = Math.min(WAIT_MS, Math.max(1, leftMs / 2));
      const digest = await digestOfReplica(this.#dispatcher, link, this.#partition, revision, waitMs, this.#bounds);
      if (digest.revision === 0n) throw new KeyvalError('KV_NO_QUORUM', NOTHING_TEXT);
      return { link, kind: 'digest', digest };
    } catch (error) {
      if (!(error instanceof KeyvalError) || error.code === 'KV_ABORTED') throw error;
      if (error.code === 'KV_DEADLINE' && leftMs >= SILENT_MS) this.#silent.set(link, error);
      return error.code === 'KV_MOVED' ? { link, kind: 'none' } : { link, kind: 'failed', error };
    }
  }

  #compare(answers: readonly Answer[], revision: bigint): PartitionCheck {
    const replicas = this.#replicas(answers);
    const [first] = replicas;
    const same = replicas.every(({ digest, keys }) => digest === first?.digest && keys === first.keys);
    const failed = answers.filter((answer) => answer.kind === 'failed');
    const verdict = !same ? 'differs' : failed.length > 0 ? 'unknown' : 'same';
    return { partition: this.#partition, verdict, revision, replicas, reason: reasonOf(answers) };
  }

  #unknown(answers: readonly Answer[], why: string | null = null): PartitionCheck {
    const reason = reasonOf(answers) ?? why;
    return { partition: this.#partition, verdict: 'unknown', revision: 0n, replicas: [], reason };
  }

  #replicas(answers: readonly Answer[]): CheckedReplica[] {
    const primary = this.#primary;
    return answers.flatMap((answer) => {
      if (answer.kind !== 'digest') return [];
      const { keys, digest } = answer.digest;
      return [{ node: answer.link.endpoint, primary: answer.link === primary, keys, digest }];
    });
  }
}

function reasonOf(answers: readonly Answer[]): string | null {
  const reasons = answers.flatMap((answer) =>
    answer.kind === 'failed' ? [`${answer.link.endpoint}: ${answer.error.code}: ${answer.error.message}`] : [],
  );
  return reasons.length === 0 ? null : reasons.join('; ');
}

const NOTHING_TEXT = 'this replica holds nothing yet, or was restarted';

/** Who did not come to the operation in time; null: nobody lags behind. */
function behindText(answers: readonly Answer[]): string | null {
  if (answers.some((answer) => answer.kind === 'digest' && answer.digest.state === 'passed')) return null;
  const late = answers.filter((answer) => answer.kind === 'digest' && answer.digest.state === 'notReached');
  if (late.length === 0) return null;
  return `${late.map(({ link }) => link.endpoint).join(', ')} did not come to the operation in time`;
}

/** All partitions, a few at a time, in order. */
export async function* checkReplicas(dispatcher: Dispatcher, boundsOf: () => Bounds): AsyncGenerator<PartitionCheck> {
  const { partitions } = dispatcher.router;
  const silent: Silent = new Map();
  const running: Promise<PartitionCheck>[] = [];
  let next = 0;
  const begin = (): void => {
    if (next >= partitions) return;
    const check = new PartitionChecker(dispatcher, next, boundsOf(), silent).check();
    check.catch(() => undefined); // whoever hears of the first that fails asks for no more
    running.push(check);
    next += 1;
  };
  while (next < CHECKS_AT_ONCE && next < partitions) begin();
  for (let first = running.shift(); first !== undefined; first = running.shift()) {
    yield await first;
    begin();
  }
}

/** Each holds at most one digest under way per node. */
const CHECKS_AT_ONCE = 8;

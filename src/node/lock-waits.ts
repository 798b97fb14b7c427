/**
 * Waits for locks at the primary: who is to be told about each, and when it ends (L5). The waits themselves are
 * replicated and stand in the lock table; this is what a new primary would start afresh.
 */
import { BinaryHeap } from '../base/binary-heap.ts';
import { MovedFlag, WAIT_FOREVER } from '../protocol/client-codec.ts';
import type { GrantReplies } from './grant-replies.ts';
import { type ReplyTarget, replyFail, replyMoved } from './reply.ts';
import { BUSY_TEXT, NO_SESSION_TEXT } from './texts.ts';

/** So many stale pairs are no matter. */
const STALE_MAX = 1024;

export class LockWaits {
  // By waiter.
  readonly #owners: (ReplyTarget | null)[] = [];
  readonly #tags: number[] = [];
  /** The value of the key is to come with the grant. */
  readonly #fetches: boolean[] = [];
  readonly #deadlines: number[] = [];
  /** (deadline, waiter); an entry whose deadline is no longer the waiter's is stale. */
  readonly #heap: BinaryHeap = new BinaryHeap();
  #stale = 0;
  /** Waits that are about to end because of a deadlock (L10), with what is told then. */
  readonly #condemned: Map<number, string> = new Map();
  readonly #grants: GrantReplies;

  constructor(grants: GrantReplies) {
    this.#grants = grants;
  }

  /** `waiter` was queued at log time `nowMs` for at most `spanMs`; the answer goes to `to`. */
  queued(
    waiter: number,
    to: ReplyTarget | null,
    messageId: number,
    fetches: boolean,
    nowMs: number,
    spanMs: number,
  ): void {
    this.answerTo(waiter, to, messageId, fetches);
    const deadline = spanMs >= WAIT_FOREVER ? Number.POSITIVE_INFINITY : nowMs + spanMs;
    this.#deadlines[waiter] = deadline;
    if (deadline !== Number.POSITIVE_INFINITY) this.#heap.push(deadline, waiter);
  }

  /** False: it was queued under another primary. */
  isKnown(waiter: number): boolean {
    return this.#owners[waiter] !== undefined;
  }

  /** Somebody is there to be told what becomes of it. */
  isHeard(waiter: number): boolean {
    return this.#owners[waiter]?.closed === false;
  }

  /** Another primary has the waits now: whoever waits is sent there. */
  moved(partition: number, primary: number): void {
    this.#owners.forEach((to, waiter) => {
      if (to !== null) replyMoved(to, this.#tags[waiter] as number, partition, primary, MovedFlag.unknown);
    });
    this.#owners.length = 0;
  }

  /** The answer goes to `to` from now on: a retry has joined the wait. */
  answerTo(waiter: number, to: ReplyTarget | null, messageId: number, fetches: boolean): void {
    this.#owners[waiter] = to;
    this.#tags[waiter] = messageId;
    this.#fetches[waiter] = fetches;
  }

  /** Its end, unless a grant comes first, is told as a deadlock. False: nobody is there to be told. */
  condemn(waiter: number, text: string): boolean {
    if (!this.isHeard(waiter)) return false;
    this.#condemned.set(waiter, text);
    return true;
  }

  /** The lock is now its own. */
  granted(waiter: number): void {
    const to = this.#owners[waiter] ?? null;
    if (to !== null) this.#grants.answer(waiter, to, this.#tags[waiter] as number, this.#fetches[waiter] === true);
    this.#forget(waiter);
  }

  /** The wait ended without a grant: its time was up, or it was given up; with `withSession` because its session has ended. */
  ended(waiter: number, withSession: boolean): void {
    const to = this.#owners[waiter] ?? null;
    const messageId = this.#tags[waiter] as number;
    const deadlock = this.#condemned.get(waiter);
    const code = deadlock === undefined ? 'KV_LOCK_BUSY' : 'KV_DEADLOCK';
    if (to !== null && withSession) replyFail(to, messageId, 'KV_NO_SESSION', NO_SESSION_TEXT);
    else if (to !== null) replyFail(to, messageId, code, deadlock ?? BUSY_TEXT);
    this.#forget(waiter);
  }

  #forget(waiter: number): void {
    this.#owners[waiter] = null;
    this.#condemned.delete(waiter);
    if (this.#deadlines[waiter] === Number.POSITIVE_INFINITY) return;
    this.#deadlines[waiter] = Number.POSITIVE_INFINITY;
    this.#stale += 1;
    if (this.#stale > STALE_MAX && this.#stale * 2 > this.#heap.size) this.#rebuild();
  }

  /** Pairs of waits that ended before their time would stay until then. */
  #rebuild(): void {
    this.#heap.clear();
    this.#stale = 0;
    this.#deadlines.forEach((deadline, waiter) => {
      if (deadline !== Number.POSITIVE_INFINITY) this.#heap.push(deadline, waiter);
    });
  }

  /** The next waiter whose time is up at log time `nowMs`, or −1. Each is given once. */
  takeDue(nowMs: number): number {
    while (this.#heap.size > 0 && this.#heap.peekDeadline() <= nowMs) {
      const deadline = this.#heap.peekDeadline();
      const waiter = this.#heap.pop();
      if (this.#deadlines[waiter] !== deadline) {
        this.#stale -= 1;
        continue;
      }
      this.#deadlines[waiter] = Number.POSITIVE_INFINITY;
      return waiter;
    }
    return -1;
  }
}

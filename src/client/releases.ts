/**
 * Letting go of locks at their nodes (L6). A release is repeated under its sequence until a node has answered it: one that was
 * executed is answered so, however often it is sent (R22). Of a plain one nobody awaits the answer; when it fails, the lock is
 * told as lost.
 */
import type { KeyvalError } from '../errors.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { HeldLock } from './held-lock.ts';
import type { LossCause } from './lock-loss.ts';
import type { LockRequests } from './lock-requests.ts';

/** A release that stands in order in its queue, or goes out when the node is back. */
export interface Sent {
  /** When it is committed. */
  readonly done: Promise<void>;
}

export class Releases {
  readonly #dispatcher: Dispatcher;
  readonly #requests: LockRequests;
  /** Where the end of the session has let go of everything. */
  readonly #left: Set<number> = new Set();

  constructor(dispatcher: Dispatcher, requests: LockRequests) {
    this.#dispatcher = dispatcher;
    this.#requests = requests;
  }

  /** A conversion that is under way ends first, for a lease at most. */
  async send(held: HeldLock, flags = 0): Promise<Sent> {
    if (held.endConversion !== null) await held.endConversion();
    return { done: this.#done(held, flags, held.unsettled) };
  }

  /** Its holder waits for no answer, and is told when it fails. */
  async plain(held: HeldLock): Promise<void> {
    const { done } = await this.send(held);
    done.catch((error: KeyvalError) => this.#failed(held, error));
  }

  /** Of what is lost, or was never handed out: its holder knows all there is to know. */
  async silent(held: HeldLock, flags = 0): Promise<void> {
    const { done } = await this.send(held, flags);
    done.catch(() => undefined); // the session's end frees it
  }

  /**
   * A node that has granted a conversion before it hears that this was given up takes the release for one of another token;
   * and one that says that it does not know what became of a release (KV_AMBIGUOUS) has executed it, perhaps, or has not. Both
   * are asked again, and `isDone` says no more than that.
   */
  async #done(held: HeldLock, flags: number, unsettled: Promise<void> | null): Promise<void> {
    let isDone = false;
    for (let undone = unsettled; ; ) {
      try {
        return await this.#requests.release(held, null, 0, flags);
      } catch (error) {
        const { code } = error as KeyvalError;
        const mayAsk = code === 'KV_AMBIGUOUS' && !isDone && !this.#dispatcher.closed && this.#isPresent(held);
        if (code === 'KV_NOT_HELD' && undone !== null) {
          await undone;
          undone = null;
        } else if (code === 'KV_NOT_HELD' && isDone) return;
        else if (mayAsk) isDone = true;
        else throw error;
      }
    }
  }

  /** The attachment that it was granted to has not ended. */
  #isPresent({ partition, attachEpoch, attachOperation }: HeldLock): boolean {
    return this.#dispatcher.session.at(partition).is(attachEpoch, attachOperation);
  }

  /** These partitions have heard the good-bye: what they have not answered is done all the same. */
  hasLeft(partitions: ReadonlySet<number>): void {
    for (const partition of partitions) this.#left.add(partition);
  }

  #failed(held: HeldLock, error: KeyvalError): void {
    if (this.#left.has(held.partition)) return;
    const [cause, reason] = this.#why(held, error);
    held.staysLocked(cause, reason, error);
  }

  #why(held: HeldLock, { code, message }: KeyvalError): [cause: LossCause, reason: string] {
    if (this.#dispatcher.closed)
      return [
        'closed',
        'the client was closed before a node had answered its release; it may stay locked until the lease ends',
      ];
    if (!this.#isPresent(held))
      return [
        'session',
        'the session ended before a node had answered its release; until then it may have stayed locked',
      ];
    if (code === 'KV_NOT_HELD')
      return [
        'broken',
        'an operator had taken it away when it was released; its node says that nobody holds it under this token',
      ];
    return ['release', `its release failed (${code}: ${message}); it may stay locked until the session ends`];
  }
}

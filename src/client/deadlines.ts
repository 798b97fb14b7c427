/** Ends requests whose deadline has passed, wherever they are. */
import type { Clock, TimerHandle, Timers } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import type { Endings } from './endings.ts';
import type { LinkSet } from './link-set.ts';
import type { NodeLink } from './node-link.ts';
import type { Operation } from './operation.ts';
import type { Router } from './router.ts';
import type { Session } from './session.ts';
import { isHarmless } from './verdict.ts';
import type { Waiting } from './waiting.ts';

/** Deadlines are checked this often. */
const SWEEP_MS = 50;
/** A read that any replica may answer waits so long for the one that was asked. */
const REPLICA_PATIENCE_MS = 300;

export interface DeadlineParts {
  readonly timers: Timers;
  readonly clock: Clock;
  readonly router: Router;
  readonly session: Session;
  readonly links: LinkSet;
  readonly waiting: Waiting;
  readonly endings: Endings;
  /** Sends a read that any replica may answer to another one. */
  askElsewhere(operation: Operation): void;
  /** After each look. */
  swept(): void;
}

export class Deadlines {
  readonly #parts: DeadlineParts;
  #timer: TimerHandle | null = null;
  #stopped = false;

  constructor(parts: DeadlineParts) {
    this.#parts = parts;
  }

  /** Looks from now on, for as long as requests are under way. */
  watch(): void {
    if (this.#timer === null && !this.#stopped) this.#timer = this.#parts.timers.after(SWEEP_MS, () => this.#sweep());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #sweep(): void {
    this.#timer = null;
    const { clock, links, waiting, endings } = this.#parts;
    const now = clock.monotonicMs();
    for (const operation of waiting.all()) if (operation.deadlineMs <= now) this.#expire(operation);
    for (const link of links) {
      for (const operation of link.pending) {
        if (operation.deadlineMs <= now) this.#expireSent(link, operation);
        else if (operation.isStale && operation.sentAtMs + REPLICA_PATIENCE_MS <= now) this.#turnAway(link, operation);
      }
    }
    this.#parts.swept();
    if (endings.active > 0) this.watch();
  }

  #turnAway(link: NodeLink, operation: Operation): void {
    if (!this.#parts.links.anyUp(link)) return;
    link.pending.remove(operation);
    this.#parts.askElsewhere(operation);
  }

  #expire(operation: Operation): void {
    operation.cancelRetry();
    const { endings } = this.#parts;
    if (operation.unknown) return endings.rejectUnknown(operation, 'no answer came before the deadline');
    const { lastError } = operation;
    // Of a partition without a primary, that the node asked last is none is not why.
    const isKnown = lastError !== null && !(lastError.code === 'KV_MOVED' && this.#isWithoutPrimary(operation));
    endings.reject(operation, isKnown ? lastError : this.#unreachable(operation));
  }

  #isWithoutPrimary({ partition, link }: Operation): boolean {
    const { router } = this.#parts;
    return link === null && router.known && partition >= 0 && router.linkOf(partition) === null;
  }

  #unreachable(operation: Operation): KeyvalError {
    const { router, links } = this.#parts;
    const { partition } = operation;
    const placed = router.known && partition >= 0;
    const link = operation.link ?? (placed ? router.linkOf(partition) : links.first());
    if (this.#isWithoutPrimary(operation))
      return new KeyvalError(
        'KV_NO_QUORUM',
        `partition ${partition} has no primary at present; 'keyval cluster status' says whether it is lost, and what to do`,
      );
    if (link?.up && placed && this.#parts.session.at(partition).attaching) {
      const text = `${link.endpoint} did not let the session into partition ${partition} in time: too few of its copies may be in reach; 'keyval cluster status' tells`;
      return new KeyvalError('KV_NO_QUORUM', text);
    }
    if (link === null || link.up)
      return new KeyvalError('KV_DEADLINE', 'the deadline passed before the request was sent');
    return link.lastError ?? new KeyvalError('KV_UNREACHABLE', `${link.endpoint} does not answer`);
  }

  #expireSent(link: NodeLink, operation: Operation): void {
    link.pending.remove(operation);
    const why = `${link.endpoint} did not answer before the deadline`;
    const { endings } = this.#parts;
    if (!isHarmless(operation.opcode)) return endings.rejectUnknown(operation, why);
    const { lastError } = operation;
    const before = lastError === null ? '' : `; before that: ${lastError.code}, ${lastError.message}`;
    endings.reject(operation, new KeyvalError('KV_DEADLINE', `${why}${before}`, { cause: lastError }));
  }
}

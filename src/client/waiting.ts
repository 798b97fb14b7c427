/**
 * Requests that no link holds: they wait for a connection, a table, an attachment, or their next attempt. For a while
 * after a failure the attempts stand closer together, and whatever is heard of the cluster wakes them at once.
 */
import { nextDelayMs } from '../base/jitter.ts';
import type { ClientPorts } from './node-link.ts';
import type { Operation } from './operation.ts';

/** L12: decorrelated jitter between these; up to the second for as long as a failover may take after a failure. */
const RETRY_BASE_MS = 5;
const FAILOVER_RETRY_CAP_MS = 100;
const RETRY_CAP_MS = 200;
const FAILOVER_MS = 2000;

export class Waiting {
  readonly #ports: ClientPorts;
  readonly #attempt: (operation: Operation) => void;
  readonly #idle: Set<Operation> = new Set();
  #failedAtMs: number = Number.NEGATIVE_INFINITY;

  constructor(ports: ClientPorts, attempt: (operation: Operation) => void) {
    this.#ports = ports;
    this.#attempt = attempt;
  }

  /** Puts a request aside; `wake` or its deadline ends that. */
  add(operation: Operation): void {
    this.#idle.add(operation);
  }

  delete(operation: Operation): boolean {
    return this.#idle.delete(operation);
  }

  all(): Operation[] {
    return [...this.#idle];
  }

  /** Those that wait for `partition`; not what waits for its value to be staged. */
  at(partition: number): Operation[] {
    return this.all().filter((operation) => operation.partition === partition && operation.link === null);
  }

  /** A node, a connection or a primary was lost. */
  failureSeen(): void {
    this.#failedAtMs = this.#ports.clock.monotonicMs();
  }

  /** Tries again after a delay, or as soon as it is woken. */
  retryLater(operation: Operation): void {
    const soon = this.#ports.clock.monotonicMs() - this.#failedAtMs < FAILOVER_MS;
    const capMs = soon ? FAILOVER_RETRY_CAP_MS : RETRY_CAP_MS;
    operation.delayMs = nextDelayMs(operation.delayMs, RETRY_BASE_MS, capMs, this.#random);
    this.add(operation);
    operation.cancelRetry();
    operation.retry = this.#ports.timers.after(operation.delayMs, () => {
      operation.retry = null;
      if (this.#idle.delete(operation)) this.#attempt(operation);
    });
  }

  readonly #random = (): number => this.#ports.random.u32() / 2 ** 32;

  wakeAt(partition: number): void {
    this.#wake(this.at(partition));
  }

  /** Everything but what waits for its value to be staged. */
  wakeAll(): void {
    this.#wake(this.all().filter((operation) => operation.link === null || operation.body !== null));
  }

  #wake(operations: readonly Operation[]): void {
    for (const operation of operations) if (this.#idle.delete(operation)) this.#attempt(operation);
  }
}

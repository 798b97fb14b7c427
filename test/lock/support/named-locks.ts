/** A lock table as people speak of it: `anna` asks for `a` in the mode `read`. Operations count up by themselves. */
import { Arena } from '../../../src/base/arena.ts';
import { LockMode } from '../../../src/base/lock-mode.ts';
import { AcquireOutcome, LockTable } from '../../../src/lock/lock-table.ts';

const NONE = -1;
export const EPOCH = 9;
const NAMES = ['anna', 'bert', 'carl', 'dora'];
export type Mode = 'null' | 'concurrent read' | 'concurrent write' | 'read' | 'protected write' | 'write';
const MODES: Readonly<Record<Mode, number>> = {
  null: LockMode.null,
  'concurrent read': LockMode.concurrentRead,
  'concurrent write': LockMode.concurrentWrite,
  read: LockMode.protectedRead,
  'protected write': LockMode.protectedWrite,
  write: LockMode.exclusive,
};
const OUTCOMES = Object.keys(AcquireOutcome);
const MODE_NAMES = Object.keys(MODES);

export class NamedLocks {
  readonly table: LockTable = new LockTable(new Arena());
  operation = 0;
  /** The request made last. */
  last: number = NONE;

  #next(): number {
    this.operation += 1;
    this.table.forgetNews();
    return this.operation;
  }

  /** Gives `granted`, `queued` or `busy`. Its sequence is the operation. */
  acquire(key: string, who: string, mode: Mode = 'write', mayWait = true): string {
    const bytes = Buffer.from(`..${key}.`);
    const now = this.#next();
    this.last = this.table.requests.take(NAMES.indexOf(who), now, MODES[mode], 0);
    const outcome = this.table.acquire(bytes, 2, bytes.length - 1, this.last, EPOCH, now, 1000 + now, mayWait);
    return OUTCOMES[outcome] as string;
  }

  /** The same without waiting. */
  attempt(key: string, who: string, mode: Mode = 'write'): string {
    return this.acquire(key, who, mode, false);
  }

  slot(key: string): number {
    const bytes = Buffer.from(key);
    return this.table.find(bytes, 0, bytes.length);
  }

  #granted(key: string): number[] {
    const { table } = this;
    return chain(table.firstGranted(this.slot(key)), (request) => table.grantedAfter(request));
  }

  #queue(key: string): number[] {
    const { table } = this;
    return chain(table.firstWaiter(this.slot(key)), (request) => table.waiterAfter(request));
  }

  #isOf(who: string): (request: number) => boolean {
    return (request) => this.table.requests.attachment(request) === NAMES.indexOf(who);
  }

  /** The request with which somebody holds the lock. */
  grantOf(key: string, who: string): number {
    return this.#granted(key).find(this.#isOf(who)) as number;
  }

  waitOf(key: string, who: string): number {
    return this.#queue(key).find(this.#isOf(who)) as number;
  }

  convert(key: string, who: string, mode: Mode, mayWait = true): string {
    const now = this.#next();
    const held = this.grantOf(key, who);
    return OUTCOMES[this.table.convert(held, MODES[mode], now, EPOCH, now, 1000 + now, mayWait)] as string;
  }

  release(key: string, who: string): void {
    const now = this.#next();
    this.table.release(this.grantOf(key, who), EPOCH, now, 1000 + now);
  }

  /** Gives up waiting, for the lock or for another mode of it. */
  cancel(key: string, who: string): void {
    const now = this.#next();
    const held = this.grantOf(key, who);
    const converts = held !== undefined && this.table.conversionOf(held) !== undefined;
    this.table.cancel(converts ? held : this.waitOf(key, who), EPOCH, now, 1000 + now);
  }

  /** Gives up a conversion that was granted. */
  revert(key: string, who: string): void {
    const now = this.#next();
    this.table.revert(this.grantOf(key, who), EPOCH, now, 1000 + now);
  }

  abandon(key: string, who: string, untilMs: number): void {
    this.#next();
    this.table.abandon(this.grantOf(key, who), untilMs);
  }

  /** An entry of that time ends what was abandoned under that token and is due. */
  endDelay(key: string, token: number, atMs: number = Number.POSITIVE_INFINITY): void {
    const now = this.#next();
    const { table } = this;
    const due = (): number => (this.slot(key) < 0 ? NONE : table.abandonedUnder(this.slot(key), EPOCH, token, atMs));
    for (let request = due(); request !== NONE; request = due()) table.release(request, EPOCH, now, 1000 + now);
  }

  // ---- what people see

  /** `anna read 3`: who holds it, how, under which token. */
  holders(key: string): string[] {
    if (this.slot(key) < 0) return [];
    return this.#granted(key).map((request) => `${this.#who(request)} ${this.table.requests.tokenOperation(request)}`);
  }

  /** `anna write`: who stands in line, for what. */
  waiters(key: string): string[] {
    if (this.slot(key) < 0) return [];
    return this.#queue(key).map((request) => `${this.#name(request)} ${MODE_NAMES[this.table.wantedMode(request)]}`);
  }

  /** Whether a write under that token counts (L9). */
  isFence(key: string, token: number): boolean {
    return this.table.isHeldUnder(this.slot(key), EPOCH, token);
  }

  /** `anna write`: who waits for another mode. */
  converting(key: string): string[] {
    const { table } = this;
    return chain(table.firstConverting(this.slot(key)), (request) => table.convertingAfter(request)).map(
      (request) => `${this.#name(request)} ${MODE_NAMES[table.conversionOf(request)?.mode as number]}`,
    );
  }

  /** Who got what it waited for in the last step. */
  get news(): string[] {
    return this.table.granted.slice(0, this.table.grantedCount).map((request) => this.#who(request));
  }

  #who(request: number): string {
    return `${this.#name(request)} ${MODE_NAMES[this.table.requests.mode(request)]}`;
  }

  #name(request: number): string {
    return NAMES[this.table.requests.attachment(request)] ?? 'nobody';
  }
}

function chain(first: number, after: (request: number) => number): number[] {
  const requests: number[] = [];
  for (let request = first; request !== NONE; request = after(request)) requests.push(request);
  return requests;
}

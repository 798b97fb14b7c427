/** L14: locks that were lost because their sessions were not heard of: one line of the log a turn, however many there are. */
import type { Log } from '../base/ports.ts';

/** Sessions named in a line. */
const NAMED_MAX = 4;
/** Characters of a key. */
const KEY_SHOWN_MAX = 100;
const utf8 = new TextDecoder();

export class LockLosses {
  #sessions = 0;
  #locks = 0;
  #named: string[] = [];

  add(partition: number, session: string, locks: number, key: Uint8Array): void {
    this.#sessions += 1;
    this.#locks += locks;
    if (this.#named.length >= NAMED_MAX) return;
    const more = locks === 1 ? '' : ` and ${locks - 1} more`;
    this.#named.push(`${session}: '${utf8.decode(key).slice(0, KEY_SHOWN_MAX)}'${more} in partition ${partition}`);
  }

  log(log: Log): void {
    if (this.#sessions === 0) return;
    log.write('warn', 'locks lost', {
      cause: 'lease ran out',
      sessions: this.#sessions,
      locks: this.#locks,
      of: this.#named,
    });
    this.#sessions = 0;
    this.#locks = 0;
    this.#named = [];
  }
}

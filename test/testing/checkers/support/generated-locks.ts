/**
 * Histories of a lock service that is right: sessions acquire, renew and release a few locks, die with locks in their
 * hands, and lose answers. The service keeps each lease at least as long as its holder believes.
 */

import { Prng } from '../../../../src/base/prng.ts';
import type { Written } from './lines.ts';

export interface LockGeneratorOptions {
  readonly seed: number;
  readonly operations: number;
  readonly sessions: number;
  readonly locks: number;
  /** Of all operations, those whose answer is lost. */
  readonly lostShare: number;
}

/** Length of every lease, ns. */
const TTL_NS = 1000;

/** A request spends up to this long on its way there, and on its way back. */
const WAY_NS = 60;

interface Lock {
  holder: string | null;
  token: number;
  expiresAt: number;
}

interface Session {
  readonly name: string;
  readyAt: number;
  /** The lock it believes to hold, until it has sent its release. */
  held: { key: string; token: number } | null;
}

type Step = Pick<Written, 'f' | 'k' | 'a'>;

export function generateLockHistory(options: LockGeneratorOptions): readonly Written[] {
  return new Service(options).run();
}

class Service {
  readonly #options: LockGeneratorOptions;
  readonly #random: Prng;
  readonly #locks = new Map<string, Lock>();
  readonly #sessions: Session[];
  /** Requests on their way, not in order. */
  readonly #agenda: { at: number; run: () => void }[] = [];
  readonly #history: Written[] = [];
  #token = 0;

  constructor(options: LockGeneratorOptions) {
    this.#options = options;
    this.#random = new Prng(options.seed);
    const names = Array.from({ length: options.sessions }, (_, i) => `s${i}`);
    this.#sessions = names.map((name) => ({ name, readyAt: this.#random.below(WAY_NS), held: null }));
  }

  run(): readonly Written[] {
    for (const session of this.#sessions) this.#plan(session);
    while (this.#history.length < this.#options.operations) {
      this.#agenda.sort((a, b) => b.at - a.at);
      this.#agenda.pop()?.run();
    }
    return this.#history;
  }

  /** Sends the next request of a session; it takes effect when the agenda comes to it. */
  #plan(session: Session): void {
    const step = this.#choose(session);
    const call = session.readyAt;
    const at = call + this.#random.below(WAY_NS);
    this.#agenda.push({ at, run: () => this.#serve(session, step, call, at) });
  }

  #choose(session: Session): Step {
    const { name: s, held } = session;
    const draw = this.#random.below(10);
    const k = `l${this.#random.below(this.#options.locks)}`;
    if (draw === 0) return { f: 'holder', k };
    if (held === null) return { f: 'acquire', k, a: { s, ttl: TTL_NS } };
    const a = { s, token: held.token };
    if (draw < 3) return { f: 'renew', k: held.key, a: { ...a, ttl: TTL_NS } };
    if (draw < 4) return { f: 'keepalive', a: { s } };
    // It dies: the lock stays held, and the session comes back without it.
    session.held = null;
    if (draw < 5) return { f: 'acquire', k, a: { s, ttl: TTL_NS } };
    return { f: 'release', k: held.key, a };
  }

  #serve(session: Session, step: Step, call: number, at: number): void {
    const o = this.#answer(session.name, step, at);
    const ret = at + this.#random.below(WAY_NS);
    const lost = this.#random.float() < this.#options.lostShare;
    this.#history.push(lost ? { ...step, p: session.name, call } : { ...step, p: session.name, call, ret, o });
    if (!lost) this.#learn(session, step, o);
    const rest = this.#random.below(20) === 0 ? 3 * TTL_NS : TTL_NS / 4;
    session.readyAt = ret + 1 + this.#random.below(rest);
    this.#plan(session);
  }

  #learn(session: Session, { f, k }: Step, o: { got?: boolean; token?: number; ok?: boolean }): void {
    if (f === 'acquire' && o.got) session.held = { key: k as string, token: o.token as number };
    if (f === 'renew' && !o.ok) session.held = null;
  }

  #answer(
    s: string,
    { f, k, a }: Step,
    at: number,
  ): { got?: boolean; token?: number; ok?: boolean; s?: string | null } {
    if (f === 'keepalive') return { ok: this.#keepAlive(s, at) };
    const lock = this.#lock(k as string, at);
    if (f === 'holder') return lock.holder === null ? { s: null } : { s: lock.holder, token: lock.token };
    if (f === 'acquire') return this.#grant(lock, s, at);
    const ok = lock.holder === s && lock.token === (a as { token: number }).token;
    if (ok && f === 'renew') lock.expiresAt = at + TTL_NS;
    if (ok && f === 'release') lock.holder = null;
    return { ok };
  }

  #grant(lock: Lock, s: string, at: number): { got: boolean; token?: number } {
    if (lock.holder !== null) return { got: false };
    Object.assign(lock, { holder: s, token: ++this.#token, expiresAt: at + TTL_NS });
    return { got: true, token: lock.token };
  }

  #keepAlive(s: string, at: number): boolean {
    for (const key of this.#locks.keys()) {
      const lock = this.#lock(key, at);
      if (lock.holder === s) lock.expiresAt = at + TTL_NS;
    }
    return true;
  }

  /** The lock as it is at a moment: a lease that has run out is over. */
  #lock(key: string, at: number): Lock {
    const lock = this.#locks.get(key) ?? { holder: null, token: 0, expiresAt: 0 };
    this.#locks.set(key, lock);
    if (lock.expiresAt < at) lock.holder = null;
    return lock;
  }
}

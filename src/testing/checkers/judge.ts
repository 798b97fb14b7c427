/**
 * The judge: sorts a history by key, has each key judged by the rules of what it is (register, lock, fenced resource,
 * set), and adds up. Linearizability is local (Herlihy and Wing 1990, theorem 1): a history is linearizable when each
 * key's part of it is, so that no order over several keys is ever looked for.
 */

import { Effort } from './effort.ts';
import { type Finding, Findings } from './finding.ts';
import type { History } from './history/history-reader.ts';
import type { Operation, OperationKind } from './history/operation.ts';
import { checkFence } from './lock/fence.ts';
import { judgeLock } from './lock/judge-lock.ts';
import type { SessionEvents } from './lock/lock-history.ts';
import { order } from './prefix-best.ts';
import { judgeRegister } from './register/judge-register.ts';
import { judgeSet } from './set/judge-set.ts';
import { type Summary, summarize } from './summary.ts';

/** What a key is, by the operations on it. The same key may be several: their names do not meet. */
export type Family = 'register' | 'lock' | 'fence' | 'set';

/** One broken key. */
export interface Violation extends Finding {
  readonly family: Family;
  readonly key: string;
}

export interface Verdict {
  readonly source: string;
  /** `undecided`: no violation was found, but the search for an order gave up on some key. Never a pass. */
  readonly verdict: 'linearizable' | 'violation' | 'undecided';
  /** One for each broken key. */
  readonly violations: readonly Violation[];
  /** Keys on which the search gave up. */
  readonly undecided: readonly string[];
  readonly summary: Summary;
}

export interface JudgeOptions {
  /**
   * Steps the search for an order may take back in all keys together before it gives up. A register of plain reads and
   * writes needs next to none; many concurrent deletes and unknown outcomes need many. Default 2,000,000: below a minute.
   */
  readonly maxSteps?: number;
}

const DEFAULT_MAX_STEPS = 2_000_000;

const families: Readonly<Record<OperationKind, Family | 'session'>> = {
  get: 'register',
  put: 'register',
  del: 'register',
  cas: 'register',
  incr: 'register',
  acquire: 'lock',
  renew: 'lock',
  release: 'lock',
  holder: 'lock',
  keepalive: 'session',
  close: 'session',
  fwrite: 'fence',
  sadd: 'set',
  sread: 'set',
};

/** @throws KeyvalError KV_USAGE when the history leaves out what it must say */
export function judge(history: History, { maxSteps = DEFAULT_MAX_STEPS }: JudgeOptions = {}): Verdict {
  const effort = new Effort(maxSteps);
  const violations: Violation[] = [];
  const undecided: string[] = [];
  const sessions = sessionEvents(history.operations);
  for (const [family, keys] of byFamily(history.operations)) {
    for (const [key, operations] of keys) {
      const finding = judgeKey(family, key, operations, sessions, history, effort);
      if (finding === 'undecided') undecided.push(key);
      else if (finding !== null) violations.push({ family, key, ...finding });
    }
  }
  const verdict = violations.length > 0 ? 'violation' : undecided.length > 0 ? 'undecided' : 'linearizable';
  return { source: history.source, verdict, violations, undecided, summary: summarize(history) };
}

function judgeKey(
  family: Family,
  key: string,
  operations: readonly Operation[],
  sessions: SessionEvents,
  { meta }: History,
  effort: Effort,
): Finding | null | 'undecided' {
  if (family === 'register') return judgeRegister(key, operations, meta, effort);
  if (family === 'lock') return judgeLock(operations, sessions, meta);
  if (family === 'set') return judgeSet(operations);
  const findings = new Findings();
  checkFence(operations, findings);
  return findings.best;
}

type ByKey = Map<string, Operation[]>;

function byFamily(operations: readonly Operation[]): ReadonlyMap<Family, ByKey> {
  const byFamily = new Map<Family, ByKey>();
  for (const operation of operations) {
    const family = families[operation.kind];
    if (family === 'session') continue;
    const keys = byFamily.get(family) ?? new Map<string, Operation[]>();
    byFamily.set(family, keys);
    const list = keys.get(operation.key);
    if (list === undefined) keys.set(operation.key, [operation]);
    else list.push(operation);
  }
  return byFamily;
}

function sessionEvents(operations: readonly Operation[]): SessionEvents {
  const events = new Map<string, Operation[]>();
  for (const operation of operations) {
    if (families[operation.kind] !== 'session') continue;
    const session = operation.session as string;
    const list = events.get(session);
    if (list === undefined) events.set(session, [operation]);
    else list.push(operation);
  }
  for (const list of events.values()) list.sort((a, b) => order(a.call, b.call));
  return events;
}

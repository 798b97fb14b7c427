/**
 * Judges client histories in format kvh/1: per-key linearizability of get, put, del, cas and incr; mutual exclusion,
 * growing tokens and honest answers of locks; fenced writes; growing sets. Where to begin reading: `judge.ts`, then
 * `register/judge-register.ts` and `register/search.ts`.
 */

import { linesOfFile } from './history/history-file.ts';
import { readHistory } from './history/history-reader.ts';
import { type JudgeOptions, judge, type Verdict } from './judge.ts';

export type { Finding } from './finding.ts';
export type { Level, Operation, OperationKind, Outcome, Value } from './history/operation.ts';
export type { Family, JudgeOptions, Verdict, Violation } from './judge.ts';
export { formatVerdict } from './report.ts';
export { type Rule, rules } from './rules.ts';
export type { Counts, Summary } from './summary.ts';

/**
 * Judges one history.
 *
 *     const { verdict, violations } = judgeHistory('run.ndjson');
 *     if (verdict !== 'linearizable') throw new Error(violations.map(({ rule, key }) => `${key}: ${rule}`).join());
 *
 * All times in a history are nanoseconds: `ts`, and `ttl`, `skew` and `late` too. A get of level `stale` or `mono` is
 * held to what it promises only. An element, value or version counts as read when the read was answered `ok`.
 *
 * @param source path of a file, or its lines (without line ends, in any order)
 * @returns `linearizable`, `violation` (with one finding for each broken key) or `undecided`, which is not a pass: the
 *   search for an order was given up after `maxSteps`
 * @throws KeyvalError KV_USAGE `file:line: …` when a line is not kvh/1, when the history holds no operation, or when the
 *   file cannot be read
 */
export function judgeHistory(source: string | Iterable<string>, options: JudgeOptions = {}): Verdict {
  if (typeof source === 'string') return judge(readHistory(linesOfFile(source), source), options);
  return judge(readHistory(source, 'history'), options);
}

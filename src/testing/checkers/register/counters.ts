/**
 * Check: a key that is only incremented and read holds, at each moment, no less than the sum of the increments
 * acknowledged before, and no more than the sum of those sent so far. Only where all increments are positive.
 */

import { nameOf } from '../describe.ts';
import type { Findings } from '../finding.ts';
import { order } from '../prefix-best.ts';
import type { RegisterHistory } from './register-history.ts';
import type { RegisterOperation } from './register-operation.ts';

export function checkCounters(history: RegisterHistory, findings: Findings): void {
  const increments = history.operations.filter(({ source }) => source.kind === 'incr');
  const start = history.values.integerOf(history.initial);
  if (increments.length === 0 || start === null || !history.operations.every(isCounting)) return;
  const sent = new RunningSum(increments, ({ call }) => call, start);
  const done = new RunningSum(
    increments.filter(({ certain }) => certain),
    ({ ret }) => ret,
    start,
  );
  for (const operation of history.operations) if (operation.certain) checkOne(operation, sent, done, findings);
}

function isCounting({ source, by }: RegisterOperation): boolean {
  return source.kind === 'get' || (source.kind === 'incr' && by > 0n);
}

function checkOne(operation: RegisterOperation, sent: RunningSum, done: RunningSum, findings: Findings): void {
  const { source, call, ret, by } = operation;
  // An absent counter is judged by its sources, and a text by them too.
  if (typeof source.found !== 'string' || !/^-?[0-9]{1,20}$/.test(source.found)) return;
  const found = BigInt(source.found);
  const least = done.before(call) + by;
  const most = sent.upTo(ret);
  if (found < least) {
    findings.add(
      'lost-update',
      [source],
      `${nameOf(source)} found ${found}, but the increments acknowledged before come to ${least}.`,
    );
  } else if (found > most) {
    findings.add(
      'doubled-write',
      [source],
      `${nameOf(source)} found ${found}, but all increments sent by then come to ${most}.`,
    );
  }
}

/** The sum of all increments up to a moment. */
class RunningSum {
  readonly #moments: number[] = [];
  readonly #sums: bigint[];

  constructor(
    increments: readonly RegisterOperation[],
    momentOf: (operation: RegisterOperation) => number,
    start: bigint,
  ) {
    let sum = start;
    this.#sums = [start];
    for (const increment of [...increments].sort((a, b) => order(momentOf(a), momentOf(b)))) {
      sum += increment.by;
      this.#moments.push(momentOf(increment));
      this.#sums.push(sum);
    }
  }

  before(moment: number): bigint {
    return this.#sums[this.#count((at) => at < moment)] as bigint;
  }

  upTo(moment: number): bigint {
    return this.#sums[this.#count((at) => at <= moment)] as bigint;
  }

  #count(holds: (at: number) => boolean): number {
    let low = 0;
    let high = this.#moments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.#moments[middle] as number)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

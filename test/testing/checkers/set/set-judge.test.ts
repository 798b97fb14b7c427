/** The judge of sets against one that tries every order. */

import test from 'ava';
import fc from 'fast-check';
import { readHistory } from '../../../../src/testing/checkers/history/history-reader.ts';
import { judgeHistory, type Operation } from '../../../../src/testing/checkers/index.ts';
import { linesOf, type Written } from '../support/lines.ts';

const moment = fc.integer({ min: 0, max: 8 });
const element = fc.constantFrom('a', 'b', 'c');

const add = fc.record({ e: element, call: moment, length: moment, r: fc.constantFrom('ok', 'ok', 'unknown', 'fail') });
const read = fc.record({ es: fc.uniqueArray(element), call: moment, length: moment });

const operation: fc.Arbitrary<Written> = fc.oneof(
  add.map(({ e, call, length, r }) => ({ f: 'sadd', a: { e }, call, ret: call + length, r: r as 'ok' })),
  read.map(({ es, call, length }) => ({ f: 'sread', call, ret: call + length, o: { es } })),
);

/** Tries every order; a read must show just what was added before it. */
function isRight(left: readonly Operation[], elements: ReadonlySet<string>, now: number): boolean {
  if (left.every(({ outcome }) => outcome === 'unknown')) return true;
  return left.some((operation) => {
    const moment = Math.max(now, operation.call);
    const shown = operation.elements ?? [];
    if (moment > operation.ret) return false;
    if (operation.kind === 'sread' && (shown.length !== elements.size || !shown.every((e) => elements.has(e))))
      return false;
    const after = operation.kind === 'sadd' ? new Set([...elements, operation.value as string]) : elements;
    return isRight(
      left.filter((other) => other !== operation),
      after,
      moment,
    );
  });
}

test('tiny histories of a set: the judge says what an exhaustive search says', (t) => {
  const property = fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), (written) => {
    const lines = linesOf(written);
    const able = readHistory(lines, 'tiny').operations.filter(({ outcome }) => outcome !== 'fail');
    const { verdict } = judgeHistory(lines);
    t.is(verdict, isRight(able, new Set(), Number.NEGATIVE_INFINITY) ? 'linearizable' : 'violation');
  });
  fc.assert(property, { numRuns: Number(process.env.KV_JUDGE_RUNS ?? 3000) });
});

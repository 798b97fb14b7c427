/** The judge against a judge that tries everything, on histories small enough for that. */

import test from 'ava';
import fc from 'fast-check';
import { readHistory } from '../../../src/testing/checkers/history/history-reader.ts';
import { judgeHistory } from '../../../src/testing/checkers/index.ts';
import { RegisterHistory } from '../../../src/testing/checkers/register/register-history.ts';
import { searchOrder } from '../../../src/testing/checkers/register/search.ts';
import { isLinearizable } from './support/brute-force.ts';
import { linesOf, type Written } from './support/lines.ts';
import { tinyHistory, tinyMeta } from './support/tiny-history.ts';

/** Far more than six operations can need. */
const MAX_STEPS = 100_000;

const RUNS = Number(process.env.KV_JUDGE_RUNS ?? 3000);

function agrees(written: readonly Written[], meta: object): boolean {
  const lines = linesOf(written, meta);
  const { operations, meta: read } = readHistory(lines, 'tiny');
  const expected = isLinearizable(operations, read.initial.get('k') ?? null);
  return judgeHistory(lines).verdict === (expected ? 'linearizable' : 'violation');
}

test('tiny histories: the judge says what an exhaustive search says', (t) => {
  t.notThrows(() => fc.assert(fc.property(tinyHistory, tinyMeta, agrees), { numRuns: RUNS }));
});

test('tiny histories: the search alone, without the quick checks, says the same', (t) => {
  const alone = (written: readonly Written[], meta: object): boolean => {
    const { operations, meta: read } = readHistory(linesOf(written, meta), 'tiny');
    const { verdict } = searchOrder(new RegisterHistory('k', operations, read), MAX_STEPS);
    return (verdict === 'linearizable') === isLinearizable(operations, read.initial.get('k') ?? null);
  };
  t.notThrows(() => fc.assert(fc.property(tinyHistory, tinyMeta, alone), { numRuns: RUNS }));
});

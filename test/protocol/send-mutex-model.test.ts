/** The send mutex beside a queue of names: whoever comes first holds it first, and one at a time. */
import test from 'ava';
import fc from 'fast-check';
import { SendMutex } from '../../src/protocol/send-mutex.ts';

test('any order of asking and letting go', async (t) => {
  const steps = fc.array(fc.boolean(), { maxLength: 60 });
  const run = fc.asyncProperty(steps, async (list) => {
    const mutex = new SendMutex();
    const line: number[] = []; // the first one holds it
    const granted: number[] = [];
    const expected: number[] = [];
    let last = 0;
    for (const asks of list) {
      if (asks) {
        last += 1;
        const name = last;
        line.push(name);
        if (line.length === 1) expected.push(name);
        void mutex.acquire().then(() => granted.push(name));
      } else if (line.length > 0) {
        line.shift();
        if (line[0] !== undefined) expected.push(line[0]);
        mutex.release();
      }
      await null;
      await null;
      t.is(mutex.held, line.length > 0);
      t.deepEqual(granted, expected);
    }
  });
  await fc.assert(run, { numRuns: 50 });
});

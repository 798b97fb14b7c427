import test from 'ava';
import fc from 'fast-check';
import { LeaseBoard } from '../../../src/client/renewal/lease-board.ts';

/** One board as two threads see it, whose clocks began at different moments. */
function shared(partitions = 4): { main: LeaseBoard; thread: LeaseBoard } {
  const main = LeaseBoard.of(partitions, 7_000_000.4);
  return { main, thread: new LeaseBoard(main.cells, 7_000_250.2) };
}

/** `main` and `thread` in their own times; a lease ends a little early for those who share it. */
function isAbout(ms: number, wantedMs: number): boolean {
  return ms <= wantedMs && ms > wantedMs - 2.5;
}

test('nothing is attached at first, and partitions beyond the board are not on it', (t) => {
  const { main } = shared();
  t.is(main.untilMs(0), 0);
  t.deepEqual(main.endingBefore(Number.POSITIVE_INFINITY), []);
  t.true(main.has(3));
  t.false(main.has(4));
});

test('each thread sees by its own clock what the other has heard', (t) => {
  const { main, thread } = shared();
  main.begin(2, 1000);
  t.true(isAbout(main.untilMs(2), 1000));
  t.true(isAbout(thread.untilMs(2), 1000 - 249.8));
  thread.renew(2, thread.stamp(2), 2000);
  t.true(isAbout(main.untilMs(2), 2249.8));
});

test('a lease is never taken back by an earlier renewal', (t) => {
  const { main } = shared();
  main.begin(0, 5000);
  main.renew(0, main.stamp(0), 4000);
  main.affirm(0, 3000);
  t.true(isAbout(main.untilMs(0), 5000));
});

test('the answer to a question about a former attachment renews nothing', (t) => {
  const { main, thread } = shared();
  main.begin(1, 1000);
  const stamp = thread.stamp(1);
  main.end(1);
  thread.renew(1, stamp, 9000);
  t.is(main.untilMs(1), 0, 'it has ended');
  main.begin(1, 2000);
  thread.renew(1, stamp, 9000);
  thread.forget(1, stamp);
  t.true(isAbout(main.untilMs(1), 2000), 'another has taken its place');
});

test('forgotten by its node there is no lease, until the main thread hears otherwise or attaches anew', (t) => {
  const { main, thread } = shared();
  main.begin(0, 1000);
  thread.forget(0, thread.stamp(0));
  t.true(main.isForgotten(0));
  t.is(main.untilMs(0), 0);
  thread.renew(0, thread.stamp(0), 5000);
  t.is(main.untilMs(0), 0);
  main.affirm(0, 3000);
  t.false(main.isForgotten(0));
  t.true(isAbout(main.untilMs(0), 3000));
  thread.forget(0, thread.stamp(0));
  main.begin(0, 4000);
  t.true(isAbout(main.untilMs(0), 4000));
  thread.forget(0, thread.stamp(0));
  main.end(0);
  main.affirm(0, 5000);
  t.false(main.isForgotten(0));
  t.is(main.untilMs(0), 0, 'given up is given up');
});

test('those that end soon', (t) => {
  const { main } = shared();
  main.begin(0, 1000);
  main.begin(1, 3000);
  main.begin(3, 2000);
  main.end(0);
  t.deepEqual(main.endingBefore(2500), [3]);
  t.deepEqual(main.endingBefore(9999), [1, 3]);
});

test('any order of what two threads do gives what one object without shared memory would', (t) => {
  const step = fc.record({
    kind: fc.constantFrom('begin', 'end', 'asked', 'renew', 'forget', 'affirm' as const),
    ms: fc.integer({ min: 10, max: 100_000 }),
  });
  const holds = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const { main, thread } = shared(1);
    let attachment = 0;
    let until = 0;
    let state: 'none' | 'held' | 'forgotten' = 'none';
    let asked = { stamp: thread.stamp(0), attachment };
    for (const { kind, ms } of steps) {
      const current = asked.attachment === attachment;
      if (kind === 'begin') {
        main.begin(0, ms);
        attachment += 1;
        [until, state] = [ms, 'held'];
      } else if (kind === 'end') {
        main.end(0);
        attachment += 1;
        state = 'none';
      } else if (kind === 'asked') asked = { stamp: thread.stamp(0), attachment };
      else if (kind === 'renew') {
        thread.renew(0, asked.stamp, ms - 249.8);
        if (current && state === 'held') until = Math.max(until, ms);
      } else if (kind === 'forget') {
        thread.forget(0, asked.stamp);
        if (current && state === 'held') state = 'forgotten';
      } else {
        main.affirm(0, ms);
        if (state !== 'none') until = state === 'held' ? Math.max(until, ms) : ms;
        if (state === 'forgotten') state = 'held';
      }
      t.is(main.isForgotten(0), state === 'forgotten');
      if (state === 'held') t.true(isAbout(main.untilMs(0), until), `${main.untilMs(0)} for ${until}`);
      else t.is(main.untilMs(0), 0);
    }
  });
  t.notThrows(() => fc.assert(holds, { numRuns: 200 }));
});

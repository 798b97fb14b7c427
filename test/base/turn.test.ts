import test from 'ava';
import { Turn } from '../../src/base/turn.ts';
import { ManualTurn } from '../helpers/manual-turn.ts';

const nothing = (): void => undefined;

test('what is marked is flushed once, at the end of the turn', (t) => {
  const manual = new ManualTurn();
  let flushes = 0;
  manual.turn.mark({ flush: () => (flushes += 1) });
  t.is(flushes, 0);
  manual.end();
  t.is(flushes, 1);
  t.false(manual.isAwaited);
});

test('flushes follow the order of the marks', (t) => {
  const manual = new ManualTurn();
  const order: string[] = [];
  for (const name of ['a', 'b', 'c']) manual.turn.mark({ flush: () => order.push(name) });
  manual.end();
  t.deepEqual(order, ['a', 'b', 'c']);
});

test('a turn is scheduled once, however much is marked', (t) => {
  let scheduled = 0;
  const turn = new Turn(() => (scheduled += 1));
  turn.mark({ flush: nothing });
  turn.mark({ flush: nothing });
  turn.wake();
  t.is(scheduled, 1);
  turn.end();
  turn.wake();
  t.is(scheduled, 2);
});

test('hooks run before the flushes, and what they mark is flushed in the same turn', (t) => {
  const manual = new ManualTurn();
  const order: string[] = [];
  let closed = false;
  manual.turn.onEnd(() => {
    order.push('hook');
    if (!closed) manual.turn.mark({ flush: () => order.push('batch') });
    closed = true;
  });
  manual.turn.mark({ flush: () => order.push('reply') });
  manual.end();
  // The hook is asked again after every round of flushes.
  t.deepEqual(order, ['hook', 'reply', 'batch', 'hook']);
});

test('wake alone runs the hooks', (t) => {
  const manual = new ManualTurn();
  let runs = 0;
  manual.turn.onEnd(() => (runs += 1));
  manual.turn.wake();
  manual.end();
  t.is(runs, 1);
});

test('a removed hook runs no more', (t) => {
  const manual = new ManualTurn();
  let runs = 0;
  const hook = (): void => {
    runs += 1;
  };
  manual.turn.onEnd(hook);
  manual.turn.removeHook(hook);
  manual.turn.removeHook(hook);
  manual.turn.wake();
  manual.end();
  t.is(runs, 0);
});

test('what a flush marks is flushed in the same turn', (t) => {
  const manual = new ManualTurn();
  const order: string[] = [];
  const answer = { flush: () => order.push('answer') };
  manual.turn.mark({
    flush: () => {
      order.push('request');
      manual.turn.mark(answer);
    },
  });
  manual.end();
  t.deepEqual(order, ['request', 'answer']);
  t.false(manual.isAwaited);
});

test('two that mark each other for ever do not hold up the loop: the rest comes in the next turn', (t) => {
  const manual = new ManualTurn();
  let flushes = 0;
  const endless = {
    flush: (): void => {
      flushes += 1;
      manual.turn.mark(endless);
    },
  };
  manual.turn.mark(endless);
  manual.end();
  t.true(flushes > 1);
  t.true(manual.isAwaited);
  const before = flushes;
  manual.end();
  t.true(flushes > before);
});

test('a busy turn lingers once, so that what comes right behind leaves with it', (t) => {
  const scheduled: (() => void)[] = [];
  const turn = new Turn((run) => scheduled.push(run), { busyAt: 3 });
  let flushes = 0;
  const flushable = { flush: () => (flushes += 1) };
  turn.mark(flushable);
  turn.work = 3;
  scheduled.shift()?.();
  t.is(flushes, 0, 'it waits for what is ready next');
  turn.work += 100;
  scheduled.shift()?.();
  t.is(flushes, 1, 'and no longer');
  t.is(turn.work, 0);
  turn.mark(flushable);
  turn.work = 3;
  scheduled.shift()?.();
  t.is(flushes, 1, 'the next turn may linger again');
});

test('a turn with less work ends at once', (t) => {
  const scheduled: (() => void)[] = [];
  const turn = new Turn((run) => scheduled.push(run), { busyAt: 3 });
  let flushes = 0;
  turn.mark({ flush: () => (flushes += 1) });
  turn.work = 2;
  scheduled.shift()?.();
  t.is(flushes, 1);
  t.is(scheduled.length, 0);
});

test('a quiet turn ends soon; a busy one, or one that is held, waits for what else is ready', (t) => {
  const soon: (() => void)[] = [];
  const later: (() => void)[] = [];
  const turn = new Turn((run) => later.push(run), { soon: (run) => soon.push(run), busyAt: 3, lingers: 2 });
  let flushes = 0;
  const flushable = { flush: () => (flushes += 1) };
  turn.mark(flushable);
  soon.shift()?.();
  t.is(flushes, 1, 'quiet');
  turn.mark(flushable);
  turn.hold();
  soon.shift()?.();
  t.is(flushes, 1, 'held');
  later.shift()?.();
  t.is(flushes, 2, 'once');
  turn.mark(flushable);
  turn.work = 3;
  soon.shift()?.();
  later.shift()?.();
  t.is(flushes, 2, 'busy: it lingers twice');
  later.shift()?.();
  t.is(flushes, 3);
});

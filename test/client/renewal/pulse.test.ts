import test from 'ava';
import { Pulse } from '../../../src/client/renewal/pulse.ts';

test('time passes for as long as the renewal thread runs', (t) => {
  const main = new Pulse();
  const thread = new Pulse(main.cells);
  t.is(main.stalledMs, 0);
  thread.ran(400);
  thread.ran(99.7);
  t.is(main.stalledMs, 500);
  t.is(thread.stalledMs, 500);
  main.tick();
  t.is(thread.stalledMs, 0);
  thread.ran(20);
  t.is(main.stalledMs, 20);
});

test('it goes round the 32-bit integers', (t) => {
  const main = new Pulse();
  main.ran(2 ** 31 - 100);
  main.tick();
  main.ran(250);
  t.is(main.stalledMs, 250);
  main.tick();
  t.is(main.stalledMs, 0);
});

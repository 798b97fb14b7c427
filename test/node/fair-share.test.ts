import test from 'ava';
import { FairShare, NEWCOMER_UNITS, type Sharer, TURN_UNITS, unitsOf } from '../../src/node/fair-share.ts';

/** Has work for ever, or so many units of it; writes down what it may spend. */
class Eater implements Sharer {
  readonly served: number[] = [];
  left: number;

  constructor(units: number) {
    this.left = units;
  }

  serve(units: number): boolean {
    this.served.push(units);
    this.left -= units;
    return this.left > 0;
  }
}

function bench(): { share: FairShare; turns: (() => void)[]; endTurn: () => void } {
  const turns: (() => void)[] = [];
  const share = new FairShare((run) => turns.push(run));
  return { share, turns, endTurn: () => turns.shift()?.() };
}

test('a frame is a unit, and so are every 256 bytes', (t) => {
  t.deepEqual([0, 255, 256, 65_536].map(unitsOf), [1, 1, 2, 257]);
});

test('nobody waits: the whole turn is there for one', (t) => {
  const { share, turns } = bench();
  t.is(share.allowance, TURN_UNITS);
  share.charge(10);
  t.is(share.allowance, TURN_UNITS - 10);
  t.is(turns.length, 0, 'little work needs no end of the turn');
  share.charge(TURN_UNITS);
  t.is(share.allowance, NEWCOMER_UNITS);
  t.is(turns.length, 1);
});

test('the end of a turn gives everything back', (t) => {
  const { share, endTurn } = bench();
  share.charge(TURN_UNITS);
  endTurn();
  t.is(share.allowance, TURN_UNITS);
});

test('who waits is served every turn until nothing is left', (t) => {
  const { share, turns, endTurn } = bench();
  const eater = new Eater(2.5 * TURN_UNITS);
  share.wait(eater);
  t.is(share.allowance, NEWCOMER_UNITS, 'others get little at a time meanwhile');
  for (let turn = 0; turn < 5; turn += 1) endTurn();
  t.deepEqual(eater.served, [TURN_UNITS, TURN_UNITS, TURN_UNITS]);
  t.is(turns.length, 0, 'then nothing is scheduled any more');
});

test('many who wait share a turn', (t) => {
  const { share, endTurn } = bench();
  const eaters = Array.from({ length: 4 }, () => new Eater(Number.POSITIVE_INFINITY));
  for (const eater of eaters) share.wait(eater);
  endTurn();
  t.deepEqual(
    eaters.map((eater) => eater.served),
    eaters.map(() => [TURN_UNITS / 4]),
  );
});

test('with very many a turn stays bounded, and the rotation reaches everybody', (t) => {
  const { share, endTurn } = bench();
  const eaters = Array.from({ length: 3000 }, () => new Eater(Number.POSITIVE_INFINITY));
  for (const eater of eaters) share.wait(eater);
  const spent = (): number => eaters.reduce((sum, eater) => sum + eater.served.reduce((a, b) => a + b, 0), 0);
  endTurn();
  t.is(spent(), TURN_UNITS);
  const turns = Math.ceil((3000 * ((eaters[0] as Eater).served[0] as number)) / TURN_UNITS);
  for (let turn = 1; turn < turns; turn += 1) endTurn();
  t.true(eaters.every((eater) => eater.served.length >= 1));
  t.true(eaters.every((eater) => eater.served.length <= 2));
});

test('while the node is congested nobody who waits is served, then all go on', (t) => {
  const turns: (() => void)[] = [];
  let congested = false;
  const share = new FairShare(
    (run) => turns.push(run),
    () => congested,
  );
  const endTurn = () => turns.shift()?.();
  const eater = new Eater(4 * TURN_UNITS);
  share.wait(eater);
  endTurn();
  t.is(eater.served.length, 1);
  congested = true;
  endTurn();
  share.relieved();
  t.deepEqual([eater.served.length, turns.length], [1, 0], 'it neither serves nor spins');
  t.is(share.allowance, NEWCOMER_UNITS, 'who sends little is still handled');
  share.tick();
  t.is(eater.served.length, 2, 'one turn now and then');
  const later = new Eater(TURN_UNITS);
  share.wait(later);
  t.is(turns.length, 0);
  congested = false;
  share.relieved();
  endTurn();
  t.is(eater.served.length, 3);
  t.is(later.served.length, 1);
});

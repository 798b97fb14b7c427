/** L7: the six modes, and which of them go together. */
import test from 'ava';
import { isCompatible, isDownward, LOCK_MODES, LockMode, mayWrite } from '../../src/base/lock-mode.ts';

/** Rows: asked for; columns: held. Snaman and Thiel, table 1. */
const TABLE = [
  'yes yes yes yes yes yes', // null
  'yes yes yes yes yes no ', // concurrent read
  'yes yes yes no  no  no ', // concurrent write
  'yes yes no  yes no  no ', // protected read
  'yes yes no  no  no  no ', // protected write
  'yes no  no  no  no  no ', // exclusive
].map((row) => row.match(/\S+/g)?.map((word) => word === 'yes') ?? []);

const MODES = Object.values(LockMode);

function eachPair(visit: (one: number, other: number) => void): void {
  for (const one of MODES) for (const other of MODES) visit(one, other);
}

test('L7: modes are numbered from 0 on, in the order of the table', (t) => {
  t.deepEqual(MODES, [0, 1, 2, 3, 4, 5]);
  t.is(LOCK_MODES, TABLE.length);
});

test('L7: modes go together as in the table of the VMS lock manager', (t) => {
  eachPair((one, other) => t.is(isCompatible(one, other), TABLE[one]?.[other] === true, `${one} with ${other}`));
});

test('L7: who goes with whom is mutual', (t) => {
  eachPair((one, other) => t.is(isCompatible(one, other), isCompatible(other, one), `${one} with ${other}`));
});

test('L7: a mode is below another when everybody who goes with the other goes with it, too', (t) => {
  eachPair((from, to) => {
    const gives = MODES.every((mode) => !isCompatible(from, mode) || isCompatible(to, mode));
    t.is(isDownward(from, to), gives, `${from} to ${to}`);
  });
});

test('L7: of two modes one is below the other, except that concurrent write and protected read change sideways', (t) => {
  const sideways: string[] = [];
  eachPair((from, to) => {
    if (!isDownward(from, to) && !isDownward(to, from)) sideways.push(`${from} ${to}`);
    t.true(from !== to || isDownward(from, to));
    t.false(from !== to && isDownward(from, to) && isDownward(to, from), `${from} and ${to}`);
  });
  t.deepEqual(sideways, ['2 3', '3 2']);
});

test('L7: who may change what is locked does not go with those whose reads are protected', (t) => {
  for (const mode of MODES) t.is(mayWrite(mode), !isCompatible(mode, LockMode.protectedRead) || mode === 4, `${mode}`);
  t.deepEqual(MODES.filter(mayWrite), [LockMode.concurrentWrite, LockMode.protectedWrite, LockMode.exclusive]);
});

/** A bag is a set, as far as anybody can see. */
import test from 'ava';
import fc from 'fast-check';
import { Bag, type Placed } from '../../src/base/bag.ts';

class Thing implements Placed {
  readonly name: number;
  place = -1;

  constructor(name: number) {
    this.name = name;
  }
}

const names = (things: readonly Thing[]): number[] => things.map(({ name }) => name).sort((a, b) => a - b);

test('what is put in and taken out is what a set says', (t) => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 12 })), { maxLength: 200 });
  const holds = fc.property(steps, (all) => {
    const things = Array.from({ length: 13 }, (_, name) => new Thing(name));
    const bag = new Bag<Thing>();
    const set = new Set<Thing>();
    for (const [comes, name] of all) {
      const thing = things[name] as Thing;
      if (!comes) t.is(bag.delete(thing), set.delete(thing));
      else if (!set.has(thing)) {
        bag.add(thing);
        set.add(thing);
      }
      t.is(bag.size, set.size);
      t.deepEqual(names(bag.all()), names([...set]));
      for (const one of things) t.is(bag.has(one), set.has(one));
    }
  });
  fc.assert(holds, { numRuns: 50 });
});

test('an object is in one bag at a time', (t) => {
  const [one, other] = [new Bag<Thing>(), new Bag<Thing>()];
  const thing = new Thing(1);
  one.add(thing);
  t.throws(() => other.add(thing), { message: /one bag at a time/ });
  t.false(other.delete(thing));
  t.true(one.delete(thing));
  other.add(thing);
  t.deepEqual(other.all(), [thing]);
});

test('those that were in it when it was asked are given, whatever goes meanwhile', (t) => {
  const bag = new Bag<Thing>();
  const things = [1, 2, 3].map((name) => new Thing(name));
  for (const thing of things) bag.add(thing);
  const seen: number[] = [];
  for (const thing of bag.all()) {
    seen.push(thing.name);
    for (const one of things) bag.delete(one);
  }
  t.deepEqual(seen, [1, 2, 3]);
  t.is(bag.size, 0);
});

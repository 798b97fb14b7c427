import test from 'ava';
import fc from 'fast-check';
import { Chains } from '../../src/lock/chains.ts';

const NONE = -1;

function itemsOf(chains: Chains, list: number): number[] {
  const items: number[] = [];
  for (let item = chains.first(list); item !== NONE; item = chains.after(item)) items.push(item);
  return items;
}

test('a list nobody appended to is empty', (t) => {
  const chains = new Chains();
  t.is(chains.first(0), NONE);
  t.is(chains.first(1_000_000), NONE);
});

test('items are in a list in the order in which they came', (t) => {
  const chains = new Chains();
  for (const item of [3, 100, 0, 7]) chains.append(50, item);
  t.deepEqual(itemsOf(chains, 50), [3, 100, 0, 7]);
  chains.remove(50, 100);
  t.deepEqual(itemsOf(chains, 50), [3, 0, 7]);
  chains.remove(50, 3);
  chains.remove(50, 7);
  t.deepEqual(itemsOf(chains, 50), [0]);
  chains.remove(50, 0);
  t.is(chains.first(50), NONE);
});

test('an item taken out may go into another list', (t) => {
  const chains = new Chains();
  for (const item of [1, 2, 3]) chains.append(0, item);
  chains.remove(0, 2);
  chains.append(1, 2);
  t.deepEqual([itemsOf(chains, 0), itemsOf(chains, 1)], [[1, 3], [2]]);
});

test('an item may go before another one', (t) => {
  const chains = new Chains();
  chains.insert(2, 1, NONE);
  chains.insert(2, 100, 1);
  chains.insert(2, 7, 1);
  chains.insert(2, 3, NONE);
  t.deepEqual(itemsOf(chains, 2), [100, 7, 1, 3]);
  for (const item of [7, 100, 3]) chains.remove(2, item);
  chains.append(2, 7);
  t.deepEqual(itemsOf(chains, 2), [1, 7]);
});

test('lists hold what arrays would', (t) => {
  const move = fc.record({ item: fc.nat(40), list: fc.nat(20) });
  const run = fc.property(fc.array(move, { maxLength: 200 }), (moves) => {
    const chains = new Chains();
    const model = new Map<number, number[]>();
    const place = new Map<number, number>();
    for (const { item, list } of moves) {
      const former = place.get(item);
      if (former === undefined) {
        chains.append(list, item);
        place.set(item, list);
        model.set(list, [...(model.get(list) ?? []), item]);
      } else {
        chains.remove(former, item);
        place.delete(item);
        model.set(
          former,
          (model.get(former) ?? []).filter((other) => other !== item),
        );
      }
    }
    for (const [list, items] of model) t.deepEqual(itemsOf(chains, list), items);
  });
  fc.assert(run);
});

import test from 'ava';
import fc from 'fast-check';
import { Operation } from '../../src/client/operation.ts';
import { Pending } from '../../src/client/pending.ts';

function newOperation(): Operation {
  const ignore = (): void => undefined;
  return new Operation(0, 'key', null, 0, ignore, ignore);
}

function add(pending: Pending): Operation {
  const operation = newOperation();
  pending.add(operation);
  return operation;
}

test('message ids count up from 1, and find their request', (t) => {
  const pending = new Pending();
  const operations = [add(pending), add(pending), add(pending)];
  t.deepEqual(
    operations.map(({ messageId }) => messageId),
    [1, 2, 3],
  );
  t.is(pending.get(2), operations[1] as Operation);
  t.is(pending.size, 3);
});

test('a reply to nobody finds nobody', (t) => {
  const pending = new Pending();
  const operation = add(pending);
  for (const messageId of [0, 2, 257, 2 ** 32 - 1]) t.is(pending.get(messageId), null);
  pending.remove(operation);
  t.is(pending.get(operation.messageId), null);
  t.is(pending.size, 0);
});

test('removing twice, or what is not there, changes nothing', (t) => {
  const pending = new Pending();
  const operation = add(pending);
  add(pending);
  pending.remove(operation);
  pending.remove(operation);
  pending.remove(newOperation());
  t.is(pending.size, 1);
});

test('a late reply to a place that was taken again finds nobody', (t) => {
  const pending = new Pending();
  const first = add(pending);
  pending.remove(first);
  const ids = Array.from({ length: 256 }, () => {
    const operation = add(pending);
    pending.remove(operation);
    return operation.messageId;
  });
  t.true(ids.includes(first.messageId + 256));
  const later = add(pending);
  t.is(pending.get(first.messageId), null);
  t.is(pending.get(later.messageId), later);
});

test('a long wait keeps its id, and others pass over it', (t) => {
  const pending = new Pending();
  const wait = add(pending);
  const ids = new Set<number>();
  for (let count = 0; count < 10_000; count += 1) {
    const operation = add(pending);
    t.false(ids.has(operation.messageId));
    ids.add(operation.messageId);
    pending.remove(operation);
  }
  t.is(pending.get(wait.messageId), wait);
  t.is(wait.messageId, 1);
});

test('all of them are taken at once when the connection breaks', (t) => {
  const pending = new Pending();
  const operations = Array.from({ length: 1000 }, () => add(pending));
  t.deepEqual(new Set(pending.drain()), new Set(operations));
  t.is(pending.size, 0);
  t.deepEqual(pending.drain(), []);
  t.is(pending.get(5), null);
  const next = add(pending);
  t.false(operations.some(({ messageId }) => messageId === next.messageId));
});

test('finds what a map would', (t) => {
  const steps = fc.array(fc.record({ adds: fc.nat(200), removes: fc.array(fc.nat(1000), { maxLength: 100 }) }), {
    maxLength: 12,
  });
  const run = fc.property(steps, (list) => {
    const pending = new Pending();
    const model = new Map<number, Operation>();
    for (const { adds, removes } of list) {
      for (let count = 0; count < adds; count += 1) {
        const operation = add(pending);
        t.false(model.has(operation.messageId));
        model.set(operation.messageId, operation);
      }
      for (const index of removes) {
        const operation = [...model.values()][index % Math.max(1, model.size)];
        if (operation === undefined) continue;
        pending.remove(operation);
        model.delete(operation.messageId);
      }
      t.is(pending.size, model.size);
      t.deepEqual(new Set(pending), new Set(model.values()));
      for (const [messageId, operation] of model) t.is(pending.get(messageId), operation);
    }
  });
  fc.assert(run, { numRuns: 40 });
});

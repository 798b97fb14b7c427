import test from 'ava';
import fc from 'fast-check';
import { writeU48 } from '../../src/base/bytes.ts';
import { ENTRY_HEAD_BYTES, ReplicationLog } from '../../src/replication/replication-log.ts';

interface Entry {
  readonly epoch: number;
  readonly operation: number;
  readonly kind: number;
  readonly timeMs: number;
  readonly body: Uint8Array;
  readonly owner: object | null;
  readonly tag: number;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The entry as a record on the wire has it: kind, time, body. */
function rawEntry(kind: number, timeMs: number, body: Uint8Array): Uint8Array {
  const raw = new Uint8Array(ENTRY_HEAD_BYTES + body.length);
  raw[0] = kind;
  writeU48(raw, 1, timeMs);
  raw.set(body, ENTRY_HEAD_BYTES);
  return raw;
}

function entryAt(log: ReplicationLog, position: number): Entry {
  const offset = log.offset(position);
  return {
    epoch: log.epoch(position),
    operation: log.operation(position),
    kind: log.kind(position),
    timeMs: log.timeMs(position),
    body: log.data.slice(offset + ENTRY_HEAD_BYTES, offset + log.length(position)),
    owner: log.owner(position),
    tag: log.owner(position) === null ? 0 : log.tag(position),
  };
}

/** The log and a plain array of the same entries, `first` of them forgotten. */
class Model {
  readonly log = new ReplicationLog();
  readonly entries: Entry[] = [];
  first = 0;

  append(body: Uint8Array, seed: number, raw: boolean): void {
    const entry = {
      epoch: 2 ** 32 - 1 - (seed % 3),
      operation: 2 ** 31 - 1 - seed,
      kind: 1 + (seed % 10),
      timeMs: 2 ** 41 + seed,
      body,
      owner: null,
      tag: 0,
    };
    const { epoch, operation, kind, timeMs } = entry;
    const source = raw ? rawEntry(kind, timeMs, body) : body;
    const framed = Uint8Array.of(9, 9, 9, ...source, 9);
    const [start, end] = [3, 3 + source.length];
    if (raw) this.log.appendRaw(epoch, operation, framed, start, end);
    else this.log.append(epoch, operation, kind, timeMs, framed, start, end);
    this.entries.push(entry);
  }

  dropBefore(count: number): void {
    this.first += count % (this.entries.length - this.first + 1);
    this.log.dropBefore(this.first);
  }

  truncate(count: number): void {
    const kept = this.first + (count % (this.entries.length - this.first + 1));
    this.entries.length = kept;
    this.log.truncate(kept);
  }

  own(at: number, tag: number): void {
    const kept = this.entries.length - this.first;
    if (kept === 0) return;
    const position = this.first + (at % kept);
    const owner = { tag };
    this.log.own(position, owner, tag);
    this.entries[position] = { ...(this.entries[position] as Entry), owner, tag };
  }

  kept(): Entry[] {
    return this.entries.slice(this.first);
  }

  found(): Entry[] {
    const found: Entry[] = [];
    for (let position = this.log.first; position < this.log.next; position += 1)
      found.push(entryAt(this.log, position));
    return found;
  }
}

/** Mostly small, sometimes as large as what the ring of bytes begins with. */
const body = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1500, max: 5000 }).map((length) => new Uint8Array(length).fill(length)) },
);
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constantFrom('append', 'appendRaw'), body, count: fc.nat(1000) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constantFrom('drop', 'drop', 'truncate', 'own'),
      body: fc.constant(new Uint8Array(0)),
      count: fc.nat(1000),
    }),
  },
);

test('holds what an array would, however entries come and go', (t) => {
  const run = fc.property(fc.array(command, { minLength: 20, maxLength: 120 }), (commands) => {
    const model = new Model();
    for (const { act, body: bytes, count } of commands) {
      if (act === 'append' || act === 'appendRaw') model.append(bytes, count, act === 'appendRaw');
      else if (act === 'drop') model.dropBefore(count);
      else if (act === 'truncate') model.truncate(count);
      else model.own(count, count);
      t.is(model.log.first, model.first);
      t.is(model.log.next, model.entries.length);
    }
    t.deepEqual(model.found(), model.kept());
    const used = model.kept().reduce((sum, entry) => sum + ENTRY_HEAD_BYTES + entry.body.length, 0);
    t.is(model.log.usedBytes, used);
  });
  fc.assert(run, { numRuns: 150 });
});

test('a few entries kept of very many use the same memory all the time', (t) => {
  const log = new ReplicationLog();
  const bytesAtFirst = log.bytes;
  const text = bytesOf('x'.repeat(100));
  for (let count = 1; count <= 10_000; count += 1) {
    log.append(1, count, 2, count, text, 0, text.length);
    log.dropBefore(log.next - 10);
  }
  t.is(log.bytes, bytesAtFirst);
  t.is(log.next, 10_000);
  t.is(log.operation(log.first), 9991);
});

test('grows for an entry larger than all it holds', (t) => {
  const log = new ReplicationLog();
  const large = new Uint8Array(100_000).fill(7);
  log.append(1, 1, 2, 5, bytesOf('small'), 0, 5);
  log.append(1, 2, 2, 6, large, 0, large.length);
  t.deepEqual(entryAt(log, 0).body, bytesOf('small'));
  t.deepEqual(entryAt(log, 1).body, large);
  t.true(log.bytes > 100_000);
});

test('gives back the memory of a burst when nothing of it is left', (t) => {
  const log = new ReplicationLog();
  const large = new Uint8Array(64 * 1024);
  for (let count = 1; count <= 100; count += 1) log.append(1, count, 2, 6, large, 0, large.length);
  log.dropBefore(99);
  t.true(log.bytes > 100 * large.length);
  t.is(log.length(99), ENTRY_HEAD_BYTES + large.length);
  log.dropBefore(100);
  t.true(log.bytes < 100_000);
  t.is(log.append(1, 101, 2, 6, large, 0, large.length), 100);
  t.deepEqual(entryAt(log, 100).body, large);
});

test('what is copied in does not change with its source', (t) => {
  const log = new ReplicationLog();
  const source = bytesOf('before');
  log.append(1, 1, 2, 5, source, 0, source.length);
  source.fill(0);
  t.deepEqual(entryAt(log, 0).body, bytesOf('before'));
});

test('forgotten entries keep nobody alive', (t) => {
  const log = new ReplicationLog();
  const nothing = new Uint8Array(0);
  for (let count = 1; count <= 3; count += 1) {
    log.own(log.append(1, count, 2, 5, nothing, 0, 0), { count }, count);
  }
  log.dropBefore(1);
  log.truncate(2);
  t.is(log.owner(0), null);
  t.deepEqual(log.owner(1), { count: 2 });
  t.is(log.owner(2), null);
});

test('refuses to drop or cut what it does not hold', (t) => {
  const log = new ReplicationLog();
  const nothing = new Uint8Array(0);
  for (let count = 1; count <= 3; count += 1) log.append(1, count, 2, 5, nothing, 0, 0);
  log.dropBefore(2);
  t.throws(() => log.dropBefore(4), { name: 'AssertionError' });
  t.throws(() => log.truncate(1), { name: 'AssertionError' });
  t.throws(() => log.truncate(4), { name: 'AssertionError' });
  log.dropBefore(1);
  t.is(log.first, 2);
});

/** What a state directory may go through, and what a node makes of it when it starts. */
import test from 'ava';
import { Prng } from '../../src/base/prng.ts';
import { DurableLog } from '../../src/raft/durable-log.ts';
import { encodeIdentity, type Identity, readIdentity } from '../../src/raft/identity.ts';
import { noItems } from '../../src/raft/items.ts';
import type { DurableState, Entry, HardState, Ready, Snapshot } from '../../src/raft/messages.ts';
import { encodeRecord, encodeSegmentHeader } from '../../src/raft/segment.ts';
import { entry } from './support/messages.ts';
import { SimDisk } from './support/sim-disk.ts';

const members = { voters: [1, 2, 3], learners: [] };
const identity: Identity = { node: 1, cluster: 'test', promise: Uint8Array.of(1, 2) };
const start: Snapshot = { index: 0, term: 0, configuration: members, data: new Uint8Array(0) };

function founded(): SimDisk {
  const disk = new SimDisk('/data');
  DurableLog.found(disk, identity, start, () => {});
  return disk;
}

function ready(
  hardState: HardState,
  entries: readonly Entry[] = [],
  snapshot: Snapshot | null = null,
  isInstalled = false,
): Ready {
  return { hardState, entries, snapshot, isInstalled, messages: [], committed: [], reads: [] };
}

function write(log: DurableLog, ...readies: readonly Ready[]): Error | null {
  let failure: Error | null = null;
  for (const one of readies) {
    log.persist(one, (error) => {
      failure = error;
    });
  }
  return failure;
}

function open(disk: SimDisk): DurableState & { tornBytes: number } {
  const { state, tornBytes } = DurableLog.open(disk, readIdentity(disk) as Identity);
  return { ...state, tornBytes };
}

const terms = (state: DurableState): number[] => state.entries.map(({ term }) => term);

/** Three records behind the first. */
function written(): SimDisk {
  const disk = founded();
  const { log } = DurableLog.open(disk, identity);
  write(
    log,
    ready({ term: 1, vote: 1, commit: 0 }, [entry(1, 1, 'one')]),
    ready({ term: 1, vote: 1, commit: 1 }, [entry(2, 1, 'two'), entry(3, 1, 'x'.repeat(2000))]),
    ready({ term: 2, vote: 3, commit: 1 }),
  );
  return disk;
}

test('what was written is there after a restart', (t) => {
  const state = open(written());
  t.deepEqual(state.hardState, { term: 2, vote: 3, commit: 1 });
  t.deepEqual(state.entries, [entry(1, 1, 'one'), entry(2, 1, 'two'), entry(3, 1, 'x'.repeat(2000))]);
  t.deepEqual(state.snapshot, start);
});

test('entries that are replaced are gone after a restart', (t) => {
  const disk = written();
  const { log } = DurableLog.open(disk, identity);
  write(log, ready({ term: 3, vote: 0, commit: 1 }, [entry(2, 3)]));
  t.deepEqual(terms(open(disk)), [1, 3]);
});

test('nothing to persist is done at once and writes nothing', (t) => {
  const disk = written();
  const { writes } = disk;
  const { log } = DurableLog.open(disk, identity);
  log.persist({ ...ready({ term: 0, vote: 0, commit: 0 }), hardState: null }, (error) => t.is(error, null));
  t.is(disk.writes, writes);
});

test('an own snapshot begins a new segment with the entries behind it, and removes what is before', (t) => {
  const disk = written();
  const { log } = DurableLog.open(disk, identity);
  const snapshot = { ...start, index: 2, term: 1, data: Uint8Array.of(9) };
  write(log, ready({ term: 2, vote: 3, commit: 2 }, [entry(4, 2)], snapshot));
  t.deepEqual(disk.list(), ['identity', 'log-00000002', 'snapshot-00000002']);
  const state = open(disk);
  t.deepEqual(state.snapshot, snapshot);
  t.deepEqual(terms(state), [1, 2]);
});

test("the leader's snapshot replaces everything", (t) => {
  const disk = written();
  const { log } = DurableLog.open(disk, identity);
  const snapshot = { index: 50, term: 2, configuration: { voters: [2], learners: [1] }, data: Uint8Array.of(9) };
  write(log, ready({ term: 2, vote: 3, commit: 50 }, [entry(51, 2)], snapshot, true));
  const state = open(disk);
  t.deepEqual(state.snapshot, snapshot);
  t.deepEqual(terms(state), [2]);
});

test('a segment that has grown long is followed by another', (t) => {
  const disk = founded();
  const { log } = DurableLog.open(disk, identity, 1000);
  for (let term = 1; term <= 200; term += 1) write(log, ready({ term, vote: 1, commit: 0 }));
  t.true(disk.files.size === 2);
  t.true([...disk.files.values()].every(({ length }) => length < 1200));
  t.is(open(disk).hardState.term, 200);
});

test('a torn last record is cut off, wherever it was torn', (t) => {
  const disk = written();
  const before = (disk.files.get('log-00000001') as Uint8Array).slice();
  const { log } = DurableLog.open(disk, identity);
  write(log, ready({ term: 7, vote: 2, commit: 1 }, [entry(4, 2, 'four')]));
  const after = disk.files.get('log-00000001') as Uint8Array;
  for (let length = before.length + 1; length < after.length; length += 1) {
    const torn = written();
    torn.files.set('log-00000001', after.slice(0, length));
    const state = open(torn);
    t.is(state.tornBytes, length - before.length);
    t.deepEqual(terms(state), [1, 1, 1]);
    t.is(state.hardState.term, 2);
    // It is cut before anything is written behind it.
    write(DurableLog.open(torn, identity).log, ready({ term: 3, vote: 0, commit: 1 }, [entry(4, 3)]));
    t.deepEqual(terms(open(torn)), [1, 1, 1, 3]);
  }
});

test('a last record with sectors that never reached the disk is torn', (t) => {
  const disk = written();
  const { log } = DurableLog.open(disk, identity);
  const file = 'log-00000001';
  const { length } = disk.files.get(file) as Uint8Array;
  write(log, ready({ term: 7, vote: 2, commit: 1 }, [entry(4, 2, 'y'.repeat(3000))]));
  const after = disk.files.get(file) as Uint8Array;
  for (let sector = Math.ceil(length / 512) * 512; sector < after.length; sector += 512) {
    const torn = written();
    torn.files.set(file, after.slice().fill(0, sector, sector + 512));
    t.is(open(torn).tornBytes, after.length - length);
  }
});

test('a flipped bit anywhere in the log is damage, in the last record too; the error names file and place', (t) => {
  const file = 'log-00000001';
  const { length } = written().files.get(file) as Uint8Array;
  for (let at = 0; at < length; at += at < 150 || at > length - 60 ? 1 : 37) {
    const disk = written();
    const bytes = disk.files.get(file) as Uint8Array;
    bytes[at] = (bytes[at] as number) ^ (1 << (at & 7));
    const error = t.throws(() => open(disk), { name: 'KeyvalError' });
    t.regex(error.message, /\/data\/log-00000001 (?:is damaged at offset \d+|was written in format)/);
  }
});

test('a torn record that something follows is damage', (t) => {
  const disk = written();
  const file = 'log-00000001';
  const bytes = disk.files.get(file) as Uint8Array;
  bytes.fill(0, 512, 1024);
  t.throws(() => open(disk), {
    message: /is damaged at offset \d+: .*neither votes nor leads.*Take it out of the cluster/,
  });
});

test('missing files are noticed', (t) => {
  const disk = written();
  write(
    DurableLog.open(disk, identity).log,
    ready({ term: 2, vote: 3, commit: 2 }, [], { ...start, index: 2, term: 1, data: Uint8Array.of(9) }),
  );
  for (const [name, message] of [
    ['log-00000002', /log-00000001 is missing: the directory has an identity, but no log/],
    ['snapshot-00000002', /snapshot-00000002 is missing: the log begins behind this snapshot/],
    ['identity', /identity is missing: there is a log, but nothing says whose it is/],
  ] as const) {
    const bytes = disk.files.get(name) as Uint8Array;
    disk.files.delete(name);
    t.throws(() => open(disk), { code: 'KV_STATE', message });
    disk.files.set(name, bytes);
  }
  t.is(open(disk).hardState.term, 2);
});

test('a segment that is missing while the former one is still there is noticed', (t) => {
  const disk = written();
  const former = disk.files.get('log-00000001') as Uint8Array;
  const records = 4;
  const moved = encodeRecord(records + 1, { ...noItems, movedTo: 2 });
  disk.files.set('log-00000001', new Uint8Array([...former, ...moved]));
  t.throws(() => open(disk), {
    code: 'KV_STATE',
    message: /log-00000002 is missing: the log of log-00000001 goes on there/,
  });
});

test('a log without term and vote is damage', (t) => {
  const disk = founded();
  const header = encodeSegmentHeader({ format: 1, segment: 1, cluster: 'test', node: 1 });
  disk.files.set('log-00000001', header);
  t.throws(() => open(disk), { message: /its first record is not there/ });
  const record = encodeRecord(1, { ...noItems, entries: [entry(1, 1)] });
  disk.files.set('log-00000001', new Uint8Array([...header, ...record]));
  t.throws(() => open(disk), { message: /begins without term, vote and snapshot/ });
});

test('a damaged snapshot or identity is damage', (t) => {
  for (const name of ['snapshot-00000002', 'identity']) {
    const disk = written();
    write(
      DurableLog.open(disk, identity).log,
      ready({ term: 2, vote: 3, commit: 2 }, [], { ...start, index: 2, term: 1, data: Uint8Array.of(9) }),
    );
    const bytes = disk.files.get(name) as Uint8Array;
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 4;
    t.throws(() => open(disk), { code: 'KV_STATE', message: new RegExp(`/data/${name} is damaged`) });
  }
});

test('the log of another cluster, another node, or under another name is refused', (t) => {
  for (const [header, code] of [
    [{ format: 1, segment: 1, cluster: 'other', node: 1 }, 'KV_WRONG_CLUSTER'],
    [{ format: 1, segment: 1, cluster: 'test', node: 2 }, 'KV_STATE'],
    [{ format: 1, segment: 3, cluster: 'test', node: 1 }, 'KV_STATE'],
    [{ format: 2, segment: 1, cluster: 'test', node: 1 }, 'KV_VERSION'],
  ] as const) {
    const disk = founded();
    disk.files.set('log-00000001', encodeSegmentHeader(header));
    t.throws(() => open(disk), { code });
  }
});

test('founding counts only once it is whole: a crash on the way leaves a directory that never named a cluster', (t) => {
  const random = new Prng(1);
  const seen = new Set<string>();
  for (let round = 0; round < 100; round += 1) {
    const disk = new SimDisk('/data');
    disk.files.set('identity', encodeIdentity({ ...identity, cluster: '' }));
    disk.onWrite = () => {};
    DurableLog.found(disk, identity, start, () => t.fail());
    disk.crash(random);
    const found = readIdentity(disk) as Identity;
    seen.add(found.cluster);
    t.deepEqual(found.promise, identity.promise);
    if (found.cluster === 'test') t.notThrows(() => open(disk));
  }
  t.deepEqual([...seen].sort(), ['', 'test']);
});

test('an empty directory has no identity; one that holds something else is refused', (t) => {
  const disk = new SimDisk('/data');
  t.is(readIdentity(disk), null);
  disk.files.set('lock', new Uint8Array(3));
  t.is(readIdentity(disk), null);
  disk.files.set('thesis.doc', new Uint8Array(3));
  t.throws(() => readIdentity(disk), { code: 'KV_USAGE', message: /thesis\.doc/ });
});

test('a disk that fails is told to whoever waits, and trusted no more', (t) => {
  const disk = founded();
  const { log } = DurableLog.open(disk, identity);
  const full = new Error('no space');
  disk.failNext = full;
  t.is(write(log, ready({ term: 1, vote: 1, commit: 0 })), full);
  t.is(write(log, ready({ term: 2, vote: 1, commit: 0 })), full);
  t.is(open(disk).hardState.term, 0);
});

test('a crash at any moment of a change of segments leaves the old state or the new one', (t) => {
  const random = new Prng(2);
  const seen = new Set<number>();
  for (let round = 0; round < 200; round += 1) {
    const disk = written();
    const { log } = DurableLog.open(disk, identity);
    disk.onWrite = () => {};
    write(log, ready({ term: 9, vote: 3, commit: 2 }, [], { ...start, index: 2, term: 1, data: Uint8Array.of(9) }));
    disk.crash(random);
    const state = open(disk);
    seen.add(state.hardState.term);
    t.is(state.snapshot.index, state.hardState.term === 9 ? 2 : 0);
    // And from there it goes on.
    disk.onWrite = null;
    write(DurableLog.open(disk, identity).log, ready({ term: 10, vote: 3, commit: 2 }));
    t.is(open(disk).hardState.term, 10);
    t.deepEqual(disk.list().filter((name) => name.startsWith('log-')).length, 1);
  }
  t.deepEqual([...seen].sort(), [2, 9]);
});

import test from 'ava';
import type { Disk, DiskStep } from '../../src/base/ports.ts';
import { DurableLog } from '../../src/raft/durable-log.ts';
import { encodeIdentity, type Identity, readIdentity } from '../../src/raft/identity.ts';
import type { DurableState, Ready, Snapshot } from '../../src/raft/messages.ts';
import { MachineClock } from '../../src/testing/sim-clock.ts';
import { SimDisk } from '../../src/testing/sim-disk.ts';
import { SimNetwork } from '../../src/testing/sim-network.ts';
import { SimProcess } from '../../src/testing/sim-process.ts';
import { World } from '../../src/testing/world.ts';
import { entry } from '../raft/support/messages.ts';

const QUALITY = { delayMs: 1, jitterMs: 0, bytesPerMs: 1000, tears: 0 };
const STEP_MS = 2;

/** A machine with a disk, on which one process follows another. */
class Machine {
  readonly world: World;
  readonly disk: SimDisk;
  readonly #network: SimNetwork;
  process: SimProcess;
  #lives = 0;

  constructor(seed: number) {
    this.world = new World(seed);
    this.disk = new SimDisk(this.world, 'm', STEP_MS);
    this.#network = new SimNetwork(this.world, { quality: QUALITY, roomBytes: 1000, giveUpMs: 1000 });
    this.process = this.#live();
  }

  #live(): SimProcess {
    this.#lives += 1;
    const machine = new MachineClock(this.world, 1, 0);
    const options = { name: `m.${this.#lives}`, host: 'm', machine, timersLateMs: 0 };
    return new SimProcess(this.world, this.#network, this.#lives, options);
  }

  attach(): Disk {
    return this.disk.attach(this.process);
  }

  /** Dies, and starts again: the directory as the next life has it. */
  restart(isPowerLost: boolean): Disk {
    this.process.crash(isPowerLost);
    this.disk.crash(isPowerLost);
    this.process = this.#live();
    return this.attach();
  }
}

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : new TextDecoder().decode(bytes));
const create = (name: string, content: string): DiskStep => ({
  kind: 'create',
  name,
  bytes: new TextEncoder().encode(content),
});
const append = (name: string, content: string): DiskStep => ({ ...create(name, content), kind: 'append' }) as DiskStep;

test('steps become durable one after the other, then it is told', async (t) => {
  const { world, disk, ...machine } = new Machine(1);
  const directory = disk.attach(machine.process);
  let done = false;
  directory.write(
    [create('a', 'one'), append('a', ' two'), { kind: 'cut', name: 'a', length: 2 }, create('b', 'x')],
    (error) => {
      done = error === null;
    },
  );
  const seen: (string | null)[] = [];
  while (!done) {
    const before = world.steps;
    await world.run(100, () => world.steps > before);
    seen.push(text(directory.read('a')));
  }
  t.deepEqual(seen, ['one', 'one two', 'on', 'on']);
  t.deepEqual(directory.list(), ['a', 'b']);
  t.true(world.nowMs >= 4 * 0.5 * STEP_MS && world.nowMs < 4 * 1.5 * STEP_MS);
});

test('a write goes on where it was when a paused process wakes', async (t) => {
  const machine = new Machine(2);
  const directory = machine.attach();
  let done = false;
  directory.write([create('a', 'one'), append('a', ' two')], () => {
    done = true;
  });
  machine.process.pause();
  await machine.world.run(1000);
  t.deepEqual(directory.list(), []);
  machine.process.resume();
  await machine.world.run(100);
  t.true(done);
  t.is(text(directory.read('a')), 'one two');
});

test('a crash spares what was durable and leaves the step under way undone, done or in part', async (t) => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 400; seed += 1) {
    const machine = new Machine(seed);
    const directory = machine.attach();
    const steps = [create('a', 'first,'), append('a', 'second'), { kind: 'remove', name: 'a' }] as const;
    directory.write(steps, () => t.fail());
    const crashAt = seed % 3;
    await machine.world.run(100, () => machine.world.steps === crashAt);
    const after = machine.restart(false);
    const content = text(after.read('a'));
    seen.add(`${crashAt} ${content}${after.list().includes('a.part') ? ' part' : ''}`);
    await machine.world.run(100);
    t.is(text(after.read('a')), content);
  }
  const parts = Array.from({ length: 7 }, (_, length) => `1 first,${'second'.slice(0, length)}`);
  t.deepEqual([...seen].sort(), [...parts, '0 first,', '0 null', '0 null part', '2 first,second', '2 null'].sort());
});

test('what a life that is over still holds writes nothing', async (t) => {
  const machine = new Machine(3);
  const former = machine.attach();
  const directory = machine.restart(false);
  former.write([create('a', 'late')], () => t.fail());
  await machine.world.run(100);
  t.deepEqual(directory.list(), []);
});

test('a power cut may lose a sector in the middle of what was appended', async (t) => {
  const long = 'y'.repeat(3000);
  let holes = 0;
  for (let seed = 1; seed <= 60; seed += 1) {
    const machine = new Machine(seed);
    machine.attach().write([append('a', long)], () => t.fail());
    const bytes = machine.restart(true).read('a') ?? new Uint8Array(0);
    const zeros = bytes.filter((byte) => byte === 0).length;
    if (zeros > 0) {
      holes += 1;
      t.is(bytes.length, long.length);
      t.true(zeros <= 512);
    }
  }
  t.true(holes > 0);
});

test('a full disk refuses what adds to it until there is room again', async (t) => {
  const machine = new Machine(4);
  const directory = machine.attach();
  const outcomes: (string | null)[] = [];
  const write = async (step: DiskStep): Promise<void> => {
    directory.write([step], (error) => outcomes.push(error?.message ?? null));
    await machine.world.run(100);
  };
  await write(create('a', 'one'));
  const undo = machine.disk.fill();
  await write(append('a', ' two'));
  t.true('one two'.startsWith(text(directory.read('a')) ?? '?'));
  t.not(text(directory.read('a')), 'one two');
  t.true(machine.disk.hasFailed);
  await write({ kind: 'cut', name: 'a', length: 3 });
  undo();
  await write(append('a', ' two'));
  t.deepEqual(outcomes, [null, 'the state directory /m cannot be used: the disk is full', null, null]);
  t.is(text(directory.read('a')), 'one two');
});

test('a slow disk takes up to as long as it is told', async (t) => {
  const machine = new Machine(5);
  const directory = machine.attach();
  const undo = machine.disk.slowDown(3000);
  let longestMs = 0;
  for (let round = 0; round < 20; round += 1) {
    const beganMs = machine.world.nowMs;
    let done = false;
    directory.write([append('a', 'x')], () => {
      done = true;
    });
    await machine.world.run(10_000, () => done);
    longestMs = Math.max(longestMs, machine.world.nowMs - beganMs);
  }
  t.true(longestMs > 1000 && longestMs < 3000 + 2 * STEP_MS);
  undo();
  const beganMs = machine.world.nowMs;
  let done = false;
  directory.write([append('a', 'x')], () => {
    done = true;
  });
  await machine.world.run(10_000, () => done);
  t.true(machine.world.nowMs - beganMs < 2 * STEP_MS);
});

// ---- the durable log of Raft on it

const members = { voters: [1, 2, 3], learners: [] };
const identity: Identity = { node: 1, cluster: 'test', promise: Uint8Array.of(1, 2) };
const start: Snapshot = { index: 0, term: 0, configuration: members, data: new Uint8Array(0) };
const nothing: Omit<Ready, 'hardState'> = {
  entries: [],
  snapshot: null,
  isInstalled: false,
  messages: [],
  committed: [],
  reads: [],
};

/** What a node might write one after the other: entries, votes, entries replaced, a snapshot, more entries. */
const readies: readonly Ready[] = [
  { ...nothing, hardState: { term: 1, vote: 1, commit: 0 }, entries: [entry(1, 1, 'one')] },
  { ...nothing, hardState: { term: 1, vote: 1, commit: 1 }, entries: [entry(2, 1), entry(3, 1, 'x'.repeat(1500))] },
  { ...nothing, hardState: { term: 2, vote: 3, commit: 1 } },
  { ...nothing, hardState: { term: 3, vote: 0, commit: 1 }, entries: [entry(2, 3, 'replaced')] },
  {
    ...nothing,
    hardState: { term: 3, vote: 0, commit: 2 },
    snapshot: { ...start, index: 2, term: 3, data: new Uint8Array(900).fill(7) },
  },
  { ...nothing, hardState: { term: 4, vote: 2, commit: 2 }, entries: [entry(3, 4)] },
];

/** Founds a log and writes as far as it comes; `promised` counts the readies that were told durable, −1: not founded. */
function writeAll(directory: Disk): { promised: number } {
  const progress = { promised: -1 };
  DurableLog.found(directory, identity, start, (error) => {
    if (error !== null) return;
    progress.promised = 0;
    const { log } = DurableLog.open(directory, identity);
    const next = (): void => {
      const ready = readies[progress.promised];
      if (ready === undefined) return;
      log.persist(ready, (failure) => {
        if (failure !== null) return;
        progress.promised += 1;
        next();
      });
    };
    next();
  });
  return progress;
}

/** The states after each number of readies. */
async function statesInOrder(): Promise<DurableState[]> {
  const states: DurableState[] = [];
  for (let count = 0; count <= readies.length; count += 1) {
    const machine = new Machine(1);
    const directory = machine.attach();
    const progress = writeAll(directory);
    await machine.world.run(10_000, () => progress.promised === count);
    machine.process.pause();
    states.push(DurableLog.open(directory, identity).state);
  }
  return states;
}

/** Runs to the `crashAt`-th event; the directory as it was, for the node and for the next life. */
async function crashed(
  seed: number,
  crashAt: number,
  isPowerLost: boolean,
  prepare: (disk: SimDisk) => void = () => undefined,
): Promise<{ machine: Machine; directory: Disk; promised: number }> {
  const machine = new Machine(seed);
  machine.disk.files.set('identity', encodeIdentity({ ...identity, cluster: '' }));
  const progress = writeAll(machine.attach());
  await machine.world.run(10_000, () => machine.world.steps === crashAt);
  const { promised } = progress;
  prepare(machine.disk);
  return { machine, directory: machine.restart(isPowerLost), promised };
}

/** Steps of all writes together. */
async function eventsInAll(): Promise<number> {
  const { machine } = await crashed(1, 1e9, false);
  return machine.world.steps;
}

test('the durable log: a crash at any step loses nothing that was promised, and nothing is half there', async (t) => {
  const states = await statesInOrder();
  const events = await eventsInAll();
  t.true(events > 10);
  let under = 0;
  for (let crashAt = 0; crashAt < events; crashAt += 1) {
    for (let seed = 1; seed <= 30; seed += 1) {
      const { machine, directory, promised } = await crashed(seed, crashAt, seed % 2 === 0);
      const found = readIdentity(directory) as Identity;
      t.deepEqual(found.promise, identity.promise);
      if (found.cluster === '') {
        t.is(promised, -1);
        continue;
      }
      const { state, log } = DurableLog.open(directory, found);
      const at = states.findIndex((one) => JSON.stringify(one) === JSON.stringify(state));
      t.true(at === promised || at === promised + 1, `crash at ${crashAt}, seed ${seed}: ${at} of ${promised}`);
      if (at > promised) under += 1;
      // And from there it goes on.
      let isDone = false;
      log.persist({ ...nothing, hardState: { term: 9, vote: 2, commit: state.hardState.commit } }, (error) => {
        isDone = error === null;
      });
      await machine.world.run(1000);
      t.true(isDone);
      t.is(DurableLog.open(directory, found).state.hardState.term, 9);
    }
  }
  t.true(under > 0);
});

test('the durable log: damage is refused, or it hit what does not count any more', async (t) => {
  const states = await statesInOrder();
  const events = await eventsInAll();
  let refused = 0;
  for (let seed = 1; seed <= 300; seed += 1) {
    const { directory, machine, promised } = await crashed(seed, 5 + (seed % (events - 5)), false, (disk) => {
      disk.loseInCrash(seed % 2 === 0 ? 'flip' : 'misdirect');
    });
    t.is(machine.disk.counters.damaged, 1);
    try {
      const found = readIdentity(directory) as Identity;
      const { state } = DurableLog.open(directory, found);
      const at = states.findIndex((one) => JSON.stringify(one) === JSON.stringify(state));
      t.true(at === promised || at === promised + 1, `seed ${seed}: ${at} of ${promised}`);
    } catch (error) {
      refused += 1;
      t.regex(String(error), /KeyvalError: /);
    }
  }
  t.true(refused > 200);
});

test('a wiped disk is that of a new node', async (t) => {
  const { machine, directory } = await crashed(1, 1e9, false, (disk) => {
    disk.loseInCrash('everything');
  });
  t.is(readIdentity(directory), null);
  t.is(machine.disk.counters.wiped, 1);
});

test('a full disk stops the log for good in this life; the next one goes on', async (t) => {
  const machine = new Machine(6);
  const directory = machine.attach();
  const progress = writeAll(directory);
  await machine.world.run(10_000, () => progress.promised === 1);
  const undo = machine.disk.fill();
  await machine.world.run(10_000);
  t.is(progress.promised, 1);
  undo();
  const { state } = DurableLog.open(machine.restart(false), identity);
  t.is(state.entries.length, 1);
});

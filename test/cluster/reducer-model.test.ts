import test from 'ava';
import fc from 'fast-check';
import { NO_MEMBER } from '../../src/cluster/book.ts';
import { decodeBook, encodeBook } from '../../src/cluster/book-codec.ts';
import type { Command } from '../../src/cluster/commands.ts';
import { electorateOf } from '../../src/cluster/electorate.ts';
import { bookOf, incarnationOf, NOW_MS } from './support/books.ts';
import { Model, type ModelNode } from './support/model.ts';

const NODES = 5;
const PARTITIONS = 2;

interface Step {
  readonly action: (typeof actions)[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const actions = [
  'progress',
  'progress one',
  'grow and deliver',
  'apply',
  'append',
  'replicate',
  'commit',
  'deliver',
  'grow',
  'down',
  'up',
  'crash',
  'restart',
  'join',
  'shrink',
  'hand-over',
  'commander hand-over',
  'retarget',
  'leaving',
  'remove',
  'revive',
  'touch',
  'impostor',
] as const;

/** All but those that give up a copy. */
const gentle = actions.filter((action) => !['crash', 'restart', 'remove'].includes(action));

const stepsOf = (allowed: readonly (typeof actions)[number][]): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.record({
      action: fc.constantFrom(...allowed, ...allowed.slice(0, 9)),
      a: fc.nat({ max: 1_000 }),
      b: fc.nat({ max: 1_000 }),
      c: fc.nat({ max: 1_000 }),
    }),
    { minLength: 10, maxLength: 120, size: 'max' },
  );

/** One step of chance; returns what went wrong, or null. */
function take(model: Model, { action, a, b, c }: Step): string | null {
  const { book } = model;
  const node = model.nodes[a % NODES] as ModelNode;
  const index = b % PARTITIONS;
  const partition = book.partitions[index];
  const member = book.members[a % book.members.length] ?? null;
  if (partition === undefined) return 'no partition';
  const slot = c % book.members.length;
  const known = { partition: index, version: partition.version, epoch: partition.epoch };
  const propose = (command: Command): string | null => {
    if (c % 4 !== 0) return model.apply(command);
    model.pending.push(command);
    return null;
  };
  const ofMember = (kind: 'down' | 'up' | 'leaving' | 'remove'): string | null => {
    if (member === null) return null;
    const command: Command = { kind, slot: member.slot, incarnation: member.incarnation, nowMs: NOW_MS + b * 1_000 };
    return propose(command);
  };
  switch (action) {
    case 'progress':
      return progress(model, model.nodes, c % 2 === 0);
    case 'progress one':
      return progress(model, [node], c % 2 === 0);
    case 'grow and deliver':
      model.proposeGrowth(node, index);
      return model.deliver(model.pending.length - 1);
    case 'apply':
      model.catchUp(node, 1 + (c % 4));
      return null;
    case 'append':
      model.append(node, index);
      return null;
    case 'replicate':
      model.replicate(node, index, slot, c % 3);
      return null;
    case 'commit':
      return model.commit(node, index);
    case 'deliver':
      return model.deliver(c);
    case 'grow':
      model.proposeGrowth(node, index);
      return null;
    case 'down':
    case 'up':
    case 'leaving':
    case 'remove':
      return ofMember(action);
    case 'crash':
      node.crash();
      return null;
    case 'restart':
      node.crash();
      return model.apply(model.joinCommand(node));
    case 'join':
      return propose(model.joinCommand(node));
    case 'shrink': {
      const view = model.reign(node, index);
      if (view === null) return null;
      const { version, epoch, primary: by, isr } = view.partition;
      const gone = isr.filter((other) => other !== by && (c >> other) % 2 === 0);
      const members = gone.map((other) => ({ slot: other, incarnation: view.view.members[other]?.incarnation ?? '' }));
      return propose({ kind: 'shrink', partition: index, version, epoch, by, members });
    }
    case 'hand-over': {
      const view = model.reign(node, index);
      if (view === null) return null;
      const { version, epoch, primary: by } = view.partition;
      return propose({ kind: 'hand-over', partition: index, version, epoch, by, to: slot });
    }
    case 'commander hand-over':
      return propose({ kind: 'hand-over', ...known, by: NO_MEMBER, to: slot });
    case 'retarget': {
      const target = [a, b, c].map((number) => number % book.members.length);
      return propose({ kind: 'retarget', partition: index, version: partition.version, target });
    }
    case 'revive':
      return propose({ kind: 'revive', partition: index, version: partition.version, nowMs: NOW_MS });
    case 'touch':
      return propose({ kind: 'touch', partition: index, version: partition.version - (c % 2) });
    case 'impostor': {
      const members = [{ slot, incarnation: incarnationOf((c % NODES) + 1, c % 3) }];
      const by = c % 2 === 0 ? NO_MEMBER : partition.primary;
      const epoch = c % 2 === 0 ? partition.epoch : partition.epoch - 1;
      return propose({ ...known, kind: b % 4 < 2 ? 'expand' : 'shrink', by, epoch, members });
    }
  }
}

/** Some nodes work as they should: they apply the book, append, replicate to those in sync or to all, and commit. */
function progress(model: Model, nodes: readonly ModelNode[], reachesAll: boolean): string | null {
  for (const node of nodes) model.catchUp(node, model.books.length);
  for (const node of nodes) {
    for (let index = 0; index < PARTITIONS; index++) {
      model.append(node, index);
      const all = [...model.book.members.keys()];
      const reached = reachesAll ? all : (node.view?.partitions[index]?.isr ?? []);
      for (const slot of reached) model.replicate(node, index, slot, 1_000);
      const wrong = model.commit(node, index);
      if (wrong !== null) return wrong;
    }
  }
  return null;
}

function run(model: Model, steps: readonly Step[], also: () => string | null = () => null): void {
  for (const [at, step] of steps.entries()) {
    const wrong = take(model, step) ?? model.lacking() ?? also();
    if (wrong !== null) throw new Error(`step ${at} (${step.action}): ${wrong}`);
  }
}

test('R3, R4, R5, R8, R14, R18, R19: who is in the electorate holds all that was committed, whatever happens', (t) => {
  let committed = 0;
  let primariesChanged = 0;
  let lost = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: NODES }),
      fc.integer({ min: 1, max: 3 }),
      stepsOf(actions),
      (founders, min, steps) => {
        const model = new Model(bookOf(founders, { partitions: PARTITIONS, min }), NODES);
        run(model, steps);
        t.deepEqual(decodeBook(encodeBook(model.book)), model.book);
        committed += model.committedEver;
        const [first] = model.books;
        for (const [index, partition] of model.book.partitions.entries()) {
          if (partition.epoch !== first?.partitions[index]?.epoch) primariesChanged++;
        }
        if (model.books.some((book) => book.partitions.some((partition) => partition.lost !== null))) lost++;
      },
    ),
    { numRuns: 1_000 },
  );
  t.true(committed > 1_000, `only ${committed} entries were committed`);
  t.true(primariesChanged > 100, `only ${primariesChanged} partitions changed their primary`);
  t.true(lost > 10, `only ${lost} runs lost a partition`);
});

test('R8: with three replicas and min 2, any one restart loses nothing, whatever else is suspected', (t) => {
  fc.assert(
    fc.property(stepsOf(gentle), fc.nat(), fc.nat({ max: 2 }), (steps, at, victim) => {
      const model = new Model(bookOf(3, { partitions: PARTITIONS, min: 2 }), NODES);
      const keeps = (): string | null => {
        const isLost = model.book.partitions.some((partition) => electorateOf(partition).length === 0);
        return isLost ? 'a partition was lost' : null;
      };
      const moment = at % steps.length;
      run(model, steps.slice(0, moment), keeps);
      const node = model.nodes[victim] as ModelNode;
      node.crash();
      model.apply(model.joinCommand(node));
      run(model, steps.slice(moment), keeps);
      t.pass();
    }),
    { numRuns: 800 },
  );
});

/**
 * Replicas in the abstract: every node has a log per partition and a view of the book that may be old. Primaries append,
 * replicate and commit by R2, R5, R7 and R19 on their own views; a commander does and says whatever chance wants. What
 * has been committed anywhere is remembered, so that it can be asked who still holds it.
 */
import { type Book, type BookPartition, NO_MEMBER } from '../../../src/cluster/book.ts';
import type { Command } from '../../../src/cluster/commands.ts';
import { electorateOf, isAlive, learnersOf, minOf } from '../../../src/cluster/electorate.ts';
import { applyCommand } from '../../../src/cluster/reducer.ts';
import { incarnationOf, join, NOW_MS } from './books.ts';

export interface Replica {
  log: string[];
  /** First epoch of what is in the log (R9). */
  era: number;
  seenEpoch: number;
  /** As primary: place of the barrier of its epoch, and what the lives that it reached hold in that epoch. */
  reign: { readonly epoch: number; readonly barrier: number; readonly held: Map<string, number> } | null;
  /** As primary: lives that it has proposed to let in, until the partition's version has passed. */
  proposed: { readonly version: number; readonly lives: Set<string> } | null;
}

export class ModelNode {
  readonly id: number;
  lives = 0;
  /** The book as it has applied it; null: it has not joined in this life. */
  view: Book | null = null;
  replicas: Replica[] = [];

  constructor(id: number, partitions: number) {
    this.id = id;
    this.#empty(partitions);
  }

  get life(): string {
    return incarnationOf(this.id, this.lives);
  }

  crash(): void {
    this.lives++;
    this.view = null;
    this.#empty(this.replicas.length);
  }

  #empty(partitions: number): void {
    this.replicas = Array.from({ length: partitions }, () => ({
      log: [],
      era: 0,
      seenEpoch: 0,
      reign: null,
      proposed: null,
    }));
  }
}

export class Model {
  readonly books: Book[];
  readonly nodes: ModelNode[];
  readonly pending: Command[] = [];
  /** By partition: what has been committed since it began. */
  readonly committed: string[][];
  entries = 0;
  committedEver = 0;

  constructor(book: Book, nodes: number) {
    this.books = [book];
    this.committed = book.partitions.map(() => []);
    this.nodes = Array.from({ length: nodes }, (_, i) => new ModelNode(i + 1, book.partitions.length));
    for (const node of this.nodes) this.catchUp(node, 1);
  }

  get book(): Book {
    return this.books.at(-1) as Book;
  }

  nodeOf(life: string | undefined): ModelNode | null {
    return this.nodes.find((node) => node.life === life) ?? null;
  }

  /** The node applies up to `steps` books more; in a new life it begins with the newest, if that names it (R3). */
  catchUp(node: ModelNode, steps: number): void {
    if (node.view === null) {
      const isNamed = this.book.members.some((member) => member?.incarnation === node.life);
      if (isNamed) this.#apply(node, this.book);
      return;
    }
    const at = this.books.indexOf(node.view);
    for (const book of this.books.slice(at + 1, at + 1 + steps)) this.#apply(node, book);
  }

  #apply(node: ModelNode, book: Book): void {
    node.view = book;
    for (const [index, partition] of book.partitions.entries()) {
      const replica = node.replicas[index] as Replica;
      replica.seenEpoch = Math.max(replica.seenEpoch, partition.epoch);
      this.#beginAnew(replica, partition.firstEpoch);
      if (replica.proposed !== null && partition.version > replica.proposed.version) replica.proposed = null;
      if (!this.#isPrimary(node, partition)) replica.reign = null;
      else if (replica.reign?.epoch !== partition.epoch) {
        replica.reign = { epoch: partition.epoch, barrier: replica.log.length, held: new Map() };
        replica.proposed = null;
        replica.log.push(`${partition.epoch}.barrier`);
      }
    }
  }

  #beginAnew(replica: Replica, firstEpoch: number): void {
    if (firstEpoch > replica.era) Object.assign(replica, { log: [], era: firstEpoch });
  }

  #isPrimary(node: ModelNode, partition: BookPartition): boolean {
    const member = node.view?.members[partition.primary] ?? null;
    return member !== null && member.incarnation === node.life;
  }

  /** The partition in the view of a node that believes itself primary, and its replica. */
  reign(
    node: ModelNode,
    index: number,
  ): { readonly view: Book; readonly partition: BookPartition; readonly replica: Replica } | null {
    const partition = node.view?.partitions[index];
    const replica = node.replicas[index] as Replica;
    return node.view !== null && partition !== undefined && replica.reign !== null
      ? { view: node.view, partition, replica }
      : null;
  }

  /** R7. */
  append(node: ModelNode, index: number): void {
    const reign = this.reign(node, index);
    if (reign === null || reign.partition.isr.length < minOf(reign.view)) return;
    reign.replica.log.push(`${reign.partition.epoch}.${this.entries++}`);
  }

  /** R2, R6, R15: up to `count` entries go to another member, which drops what differs. */
  replicate(node: ModelNode, index: number, slot: number, count: number): void {
    const reign = this.reign(node, index);
    if (reign === null) return;
    const { view, partition, replica } = reign;
    const receiver = this.nodeOf(view.members[slot]?.incarnation);
    if (receiver === null || receiver === node || receiver.view === null) return;
    const copy = receiver.replicas[index] as Replica;
    if (copy.seenEpoch > partition.epoch) return;
    copy.seenEpoch = partition.epoch;
    copy.reign = null;
    this.#beginAnew(copy, replica.era);
    const differs = copy.log.findIndex((entry, at) => entry !== replica.log[at]);
    if (differs !== -1) copy.log.length = differs;
    copy.log.push(...replica.log.slice(copy.log.length, copy.log.length + count));
    replica.reign?.held.set(receiver.life, copy.log.length);
  }

  /** R5. Returns why it must not have been, or null. */
  commit(node: ModelNode, index: number): string | null {
    const reign = this.reign(node, index);
    if (reign === null) return null;
    const { view, partition, replica } = reign;
    if (partition.isr.length < minOf(view)) return null;
    const lives = partition.isr
      .map((slot) => view.members[slot]?.incarnation ?? '')
      .filter((life) => life !== node.life);
    const needed = [...lives, ...(replica.proposed?.lives ?? [])];
    const length = Math.min(replica.log.length, ...needed.map((life) => replica.reign?.held.get(life) ?? 0));
    const newest = this.book.partitions[index] as BookPartition;
    if (replica.era !== newest.firstEpoch || newest.lost !== null) return null;
    const before = this.committed[index] as string[];
    const both = Math.min(length, before.length);
    for (let at = 0; at < both; at++) {
      if (before[at] !== replica.log[at]) return `${before[at]} was committed, and now ${replica.log[at]} in its place`;
    }
    if (length > before.length) {
      this.committedEver += length - before.length;
      this.committed[index] = replica.log.slice(0, length);
    }
    return null;
  }

  /** R19: those that have reached the start of this epoch, and so all that may have been committed before. */
  proposeGrowth(node: ModelNode, index: number): void {
    const reign = this.reign(node, index);
    if (reign?.replica.reign == null) return;
    const { view, partition, replica } = reign;
    const { barrier, held } = reign.replica.reign;
    const members = learnersOf(view, partition)
      .map((slot) => ({ slot, incarnation: view.members[slot]?.incarnation ?? '' }))
      .filter(
        ({ incarnation }) =>
          (held.get(incarnation) ?? 0) >= Math.max(barrier + 1, this.#knownCommit(reign.replica, index)),
      );
    if (members.length === 0) return;
    const { version, epoch, primary: by } = partition;
    const lives = replica.proposed?.lives ?? new Set<string>();
    for (const { incarnation } of members) lives.add(incarnation);
    replica.proposed = { version, lives };
    this.pending.push({ kind: 'expand', partition: index, version, epoch, by, members });
  }

  /** At most what this primary knows to be committed; all of it, to be on the side of those who find errors. */
  #knownCommit(replica: Replica, index: number): number {
    return Math.min(replica.log.length, (this.committed[index] as string[]).length);
  }

  /** One of the pending commands is applied. Returns what is wrong with the book then, or null. */
  deliver(at: number): string | null {
    const [command] = this.pending.splice(at % Math.max(1, this.pending.length), 1);
    return command === undefined ? null : this.apply(command);
  }

  apply(command: Command): string | null {
    const before = this.book;
    const { book } = applyCommand(before, command);
    if (book === before) return isNamedInVain(before, command) ? 'the version that was named has not ended' : null;
    this.books.push(book);
    for (const [index, partition] of book.partitions.entries()) {
      if (partition.firstEpoch !== before.partitions[index]?.firstEpoch) this.committed[index] = [];
    }
    return wrongStep(before, book) ?? wrongState(book);
  }

  joinCommand(node: ModelNode): Command {
    return join(node.id, { incarnation: node.life, nowMs: NOW_MS });
  }

  /** Who is in the electorate in the life that the book names, and lacks something committed; null: nobody. */
  lacking(): string | null {
    for (const [index, partition] of this.book.partitions.entries()) {
      const committed = this.committed[index] as string[];
      for (const slot of electorateOf(partition)) {
        const node = this.nodeOf(this.book.members[slot]?.incarnation);
        if (node === null) continue;
        const { log } = node.replicas[index] as Replica;
        const missing = committed.find((entry, at) => entry !== log[at]);
        if (missing !== undefined) return `slot ${slot} lacks ${missing} of partition ${index}`;
      }
    }
    return null;
  }
}

function isNamedInVain(book: Book, command: Command): boolean {
  return 'version' in command && book.partitions[command.partition]?.version === command.version;
}

/** What no book may be. */
export function wrongState(book: Book): string | null {
  for (const [index, partition] of book.partitions.entries()) {
    const { primary, isr, eligible, target, lost } = partition;
    const electorate = electorateOf(partition);
    const is = (what: boolean, wrong: string): string | null => (what ? `partition ${index}: ${wrong}` : null);
    const wrong =
      is(
        isr.some((slot) => eligible.includes(slot)),
        'somebody is in sync and eligible',
      ) ??
      is(new Set(electorate).size !== electorate.length, 'somebody is named twice') ??
      is(primary !== NO_MEMBER && !isr.includes(primary), 'the primary is not in sync') ??
      is(primary !== NO_MEMBER && !isAlive(book, primary), 'the primary is down') ??
      is(primary === NO_MEMBER && electorate.some((slot) => isAlive(book, slot)), 'somebody could be primary') ??
      is((lost !== null) !== (electorate.length === 0), 'lost, and yet there is an electorate, or the reverse') ??
      is(isr.length >= minOf(book) && eligible.length > 0, 'somebody is eligible although entries commit') ??
      is(
        [...electorate, ...target].some((slot) => book.members[slot]?.role !== 'data'),
        'it names who keeps no keys',
      );
    if (wrong !== null) return wrong;
  }
  return null;
}

/** What no step may do. */
export function wrongStep(before: Book, after: Book): string | null {
  if (after.version !== before.version + 1) return 'the version of the book';
  for (const [index, partition] of after.partitions.entries()) {
    const former = before.partitions[index] as BookPartition;
    if (partition === former) continue;
    if (partition.version !== after.version) return `partition ${index} changed without its version`;
    if (partition.epoch < former.epoch) return `the epoch of partition ${index} fell`;
    const hasNewPrimary = partition.primary !== former.primary && partition.primary !== NO_MEMBER;
    if (hasNewPrimary && partition.epoch === former.epoch) return `partition ${index}: a new primary in the old epoch`;
  }
  return null;
}

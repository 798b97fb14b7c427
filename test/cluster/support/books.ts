/** Small books for tests, and shorter words for commands. Members are named by their slots. */
import type { Book, BookMember, BookPartition } from '../../../src/cluster/book.ts';
import type {
  Command,
  HealthCommand,
  InSyncCommand,
  JoinCommand,
  LeaveCommand,
} from '../../../src/cluster/commands.ts';
import { type Founder, type Founding, foundBook } from '../../../src/cluster/founding-book.ts';
import { applyCommand } from '../../../src/cluster/reducer.ts';

export const FOUNDED_AT_SECONDS = 1_790_000_000;
export const NOW_MS = 1_790_000_100_000;

/** Life number `life` of a member. */
export function incarnationOf(id: number, life = 0): string {
  return (id * 1_000 + life).toString(16).padStart(16, '0');
}

export function addressOf(id: number): string {
  return `10.0.0.${id}:6234`;
}

export function founderOf(id: number, role: 'data' | 'witness' = 'data'): Founder {
  return { id, incarnation: incarnationOf(id), address: addressOf(id), zone: '', role };
}

/** Members 1 to `count` at slots 0 to `count` − 1; one partition, if nothing else is said. */
export function bookOf(count: number, options: Partial<Founding> = {}): Book {
  return foundBook({
    clusterId: 'c1',
    clusterName: 'test',
    foundedAtSeconds: FOUNDED_AT_SECONDS,
    partitions: 1,
    replicas: 3,
    min: 2,
    maxLeaseMs: 60_000,
    onLoss: 'stop',
    isNew: true,
    members: Array.from({ length: count }, (_, i) => founderOf(i + 1)),
    ...options,
  });
}

/** The only partition in a state of one's choice; primary slot 0 and targets 0, 1, 2, … if nothing else is said. */
export function bookWith(count: number, entry: Partial<BookPartition>, options: Partial<Founding> = {}): Book {
  const book = bookOf(count, options);
  const target = [...book.members.keys()].slice(0, book.settings.replicas);
  const partition = { ...partitionOf(book), primary: 0, isr: target, target, ...entry };
  return { ...book, partitions: [partition] };
}

export function withHealth(book: Book, slot: number, change: Partial<BookMember>): Book {
  return { ...book, members: book.members.with(slot, { ...memberOfSlot(book, slot), ...change }) };
}

export function memberOfSlot(book: Book, slot: number): BookMember {
  const member = book.members[slot] ?? null;
  if (member === null) throw new Error(`no member in slot ${slot}`);
  return member;
}

export function partitionOf(book: Book, index = 0): BookPartition {
  const partition = book.partitions[index];
  if (partition === undefined) throw new Error(`no partition ${index}`);
  return partition;
}

export function join(id: number, change: Partial<JoinCommand> = {}): JoinCommand {
  return { kind: 'join', ...founderOf(id), nowMs: NOW_MS, ...change };
}

export function restart(id: number, life = 1): JoinCommand {
  return join(id, { incarnation: incarnationOf(id, life) });
}

export function health(kind: 'down' | 'up', book: Book, slot: number, nowMs: number = NOW_MS): HealthCommand {
  return { kind, slot, incarnation: memberOfSlot(book, slot).incarnation, nowMs };
}

export function leave(kind: 'leaving' | 'remove', book: Book, slot: number): LeaveCommand {
  return { kind, slot, incarnation: memberOfSlot(book, slot).incarnation, nowMs: NOW_MS };
}

export function inSync(kind: 'shrink' | 'expand', book: Book, slots: readonly number[]): InSyncCommand {
  const { version, epoch, primary } = partitionOf(book);
  const members = slots.map((slot) => ({ slot, incarnation: memberOfSlot(book, slot).incarnation }));
  return { kind, partition: 0, version, epoch, by: primary, members };
}

/** The book after commands, each made from the book before it. @throws if one is refused */
export function after(book: Book, ...commands: readonly (Command | ((book: Book) => Command))[]): Book {
  return commands.reduce((before, next) => {
    const { book: then, refused } = applyCommand(before, typeof next === 'function' ? next(before) : next);
    if (refused !== null) throw new Error(`refused: ${refused}`);
    return then;
  }, book);
}

export const down =
  (slot: number, nowMs: number = NOW_MS) =>
  (book: Book): Command =>
    health('down', book, slot, nowMs);
export const up =
  (slot: number, nowMs: number = NOW_MS) =>
  (book: Book): Command =>
    health('up', book, slot, nowMs);
export const leaving =
  (slot: number) =>
  (book: Book): Command =>
    leave('leaving', book, slot);
export const remove =
  (slot: number) =>
  (book: Book): Command =>
    leave('remove', book, slot);
export const shrink =
  (...slots: number[]) =>
  (book: Book): Command =>
    inSync('shrink', book, slots);
export const expand =
  (...slots: number[]) =>
  (book: Book): Command =>
    inSync('expand', book, slots);
export const handOver =
  (to: number, by?: number) =>
  (book: Book): Command => {
    const { version, epoch, primary } = partitionOf(book);
    return { kind: 'hand-over', partition: 0, version, epoch, by: by ?? primary, to };
  };
export const retarget =
  (...target: number[]) =>
  (book: Book): Command => ({ kind: 'retarget', partition: 0, version: partitionOf(book).version, target });
export const revive = (book: Book): Command => ({
  kind: 'revive',
  partition: 0,
  version: partitionOf(book).version,
  nowMs: NOW_MS,
});

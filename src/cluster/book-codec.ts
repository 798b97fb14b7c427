/**
 * The book as the bytes of a Raft snapshot: JSON of arrays, fields in the order in which book.ts names them, the same
 * bytes for the same book. What is read is checked whole, also for what the reducer relies on: who is named is there.
 */
import {
  type Book,
  type BookMember,
  type BookPartition,
  type BookSettings,
  type LostPartition,
  NO_MEMBER,
} from './book.ts';
import { bytesOfJson, JsonFields, jsonOfBytes } from './json-fields.ts';
import {
  ADDRESS,
  CLUSTER_TEXT,
  EPOCH_MAX,
  FORMER,
  HEALTHS,
  INCARNATION,
  LOSS_CHOICES,
  NODE_ID_MAX,
  PARTITIONS_MAX,
  ROLES,
  SLOT_MAX,
  UNIX_MS_MAX,
  UNIX_SECONDS_MAX,
  WAIT_MS_MAX,
  ZONE,
} from './record-fields.ts';

export { decodeCommand, encodeCommand } from './command-codec.ts';

/** Of this layout. */
const FORMAT = 1;
const LIST_MAX: number = SLOT_MAX;

export function encodeBook(book: Book): Uint8Array {
  const members = book.members.map((member) => (member === null ? 0 : itemsOfMember(member)));
  return bytesOfJson([
    FORMAT,
    book.version,
    itemsOfSettings(book.settings),
    members,
    book.partitions.map(itemsOfPartition),
  ]);
}

/** Null for anything that is no book. */
export function decodeBook(bytes: Uint8Array): Book | null {
  const fields = new JsonFields(jsonOfBytes(bytes));
  fields.whole(FORMAT, FORMAT);
  const version = fields.whole();
  const settings = readSettings(fields.any());
  const rows = fields.list(LIST_MAX, readRow);
  const partitions = fields.list(PARTITIONS_MAX, readPartition);
  if (!fields.isComplete || settings === null) return null;
  const book: Book = { version, settings, members: rows.map((row) => row.member), partitions };
  return isConsistent(book) ? book : null;
}

function itemsOfSettings(settings: BookSettings): readonly unknown[] {
  const { clusterId, clusterName, foundedAtSeconds, partitions, replicas, min, maxLeaseMs, onLoss } = settings;
  return [clusterId, clusterName, foundedAtSeconds, partitions, replicas, min, maxLeaseMs, onLoss];
}

function readSettings(value: unknown): BookSettings | null {
  const fields = new JsonFields(value);
  const settings: BookSettings = {
    clusterId: fields.text(CLUSTER_TEXT),
    clusterName: fields.text(CLUSTER_TEXT),
    foundedAtSeconds: fields.whole(UNIX_SECONDS_MAX),
    partitions: fields.whole(PARTITIONS_MAX, 1),
    replicas: fields.whole(LIST_MAX, 1),
    min: fields.whole(LIST_MAX, 1),
    maxLeaseMs: fields.whole(WAIT_MS_MAX),
    onLoss: fields.choice(LOSS_CHOICES),
  };
  return fields.isComplete ? settings : null;
}

/** The slot is the place in the list. */
function itemsOfMember(member: BookMember): readonly unknown[] {
  const { id, incarnation, former, address, zone, role, joinedAt, health, failuresMs } = member;
  return [id, incarnation, former, address, zone, role, joinedAt, health, failuresMs];
}

/** A slot of the book, free or not; null: neither. */
function readRow(value: unknown, slot: number): { readonly member: BookMember | null } | null {
  if (value === 0) return { member: null };
  const fields = new JsonFields(value);
  const member: BookMember = {
    slot,
    id: fields.whole(NODE_ID_MAX),
    incarnation: fields.text(INCARNATION),
    former: fields.text(FORMER),
    address: fields.text(ADDRESS),
    zone: fields.text(ZONE),
    role: fields.choice(ROLES),
    joinedAt: fields.whole(),
    health: fields.choice(HEALTHS),
    failuresMs: fields.wholes(UNIX_MS_MAX, LIST_MAX),
  };
  return fields.isComplete ? { member } : null;
}

function itemsOfPartition(partition: BookPartition): readonly unknown[] {
  const { version, epoch, firstEpoch, primary, isr, eligible, target, lost, locksFromMs } = partition;
  const facts = lost === null ? 0 : [lost.sinceMs, lost.keepers, lost.waitMs];
  return [version, epoch, firstEpoch, primary, isr, eligible, target, facts, locksFromMs];
}

function readPartition(value: unknown): BookPartition | null {
  const fields = new JsonFields(value);
  const version = fields.whole();
  const epoch = fields.whole(EPOCH_MAX);
  const firstEpoch = fields.whole(EPOCH_MAX);
  const primary = fields.whole(NO_MEMBER);
  const isr = fields.wholes(SLOT_MAX, LIST_MAX);
  const eligible = fields.wholes(SLOT_MAX, LIST_MAX);
  const target = fields.wholes(SLOT_MAX, LIST_MAX);
  const facts = fields.any();
  const lost = facts === 0 ? null : readLost(facts);
  const locksFromMs = fields.whole();
  if (!fields.isComplete || (facts !== 0 && lost === null)) return null;
  return { version, epoch, firstEpoch, primary, isr, eligible, target, lost, locksFromMs };
}

function readLost(value: unknown): LostPartition | null {
  const fields = new JsonFields(value);
  const sinceMs = fields.whole(UNIX_MS_MAX);
  const keepers = fields.list(LIST_MAX, (item) => (typeof item === 'string' && ADDRESS.test(item) ? item : null));
  const waitMs = fields.whole(WAIT_MS_MAX);
  return fields.isComplete ? { sinceMs, keepers, waitMs } : null;
}

function isConsistent(book: Book): boolean {
  const present = book.members.filter((member) => member !== null);
  return (
    book.partitions.length === book.settings.partitions &&
    areDistinct(present.map((member) => member.id)) &&
    areDistinct(present.map((member) => member.address)) &&
    present.every((member) => member.joinedAt <= book.version) &&
    book.partitions.every((partition) => isSound(partition, book))
  );
}

function isSound(partition: BookPartition, book: Book): boolean {
  const { version, epoch, firstEpoch, primary, isr, eligible, target, lost } = partition;
  const electorate = [...isr, ...eligible];
  return (
    version <= book.version &&
    firstEpoch <= epoch &&
    (primary === NO_MEMBER || isr.includes(primary)) &&
    areDistinct(electorate) &&
    areDistinct(target) &&
    [...electorate, ...target].every((slot) => book.members[slot]?.role === 'data') &&
    (lost !== null) === (electorate.length === 0)
  );
}

function areDistinct(items: readonly unknown[]): boolean {
  return new Set(items).size === items.length;
}

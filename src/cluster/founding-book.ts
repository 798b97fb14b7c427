/**
 * The first book of a cluster: the founders in the order of their addresses, partitions where placement puts them, all
 * in sync since nothing was written yet. The first epochs are the time of the founding in seconds, so that tokens grow
 * even over a new founding.
 */
import { assert } from '../base/assert.ts';
import { KeyvalError } from '../errors.ts';
import { type Book, type BookMember, type BookPartition, type BookSettings, NO_MEMBER } from './book.ts';
import { placeTargets } from './targets.ts';

export type Founder = Pick<BookMember, 'id' | 'incarnation' | 'address' | 'zone' | 'role'>;

export interface Founding extends BookSettings {
  /** There was no cluster here before, so nobody believes in a lock of it (`--new`). */
  readonly isNew: boolean;
  /** Sorted by address, addresses and ids distinct. */
  readonly members: readonly Founder[];
}

const FIRST_VERSION = 1;

/** @throws KeyvalError KV_USAGE if nobody would keep keys. */
export function foundBook(founding: Founding): Book {
  const { isNew, members: founders } = founding;
  assert(new Set(founders.map((founder) => founder.address)).size === founders.length, 'founders differ in address');
  assert(new Set(founders.map((founder) => founder.id)).size === founders.length, 'founders differ in id');
  assert(founders.length < NO_MEMBER, 'founders have slots');
  if (!founders.some((founder) => founder.role === 'data')) {
    throw new KeyvalError('KV_USAGE', 'every node of --peers is a witness; start at least one without --witness');
  }
  const settings = settingsFrom(founding);
  const members = founders.map(memberFrom);
  const locksFromMs = isNew ? 0 : settings.foundedAtSeconds * 1_000 + settings.maxLeaseMs;
  const targets = placeTargets({ members, settings });
  const partitions = targets.map((target) => partitionOn(target, settings.foundedAtSeconds, locksFromMs));
  return { version: FIRST_VERSION, settings, members, partitions };
}

function settingsFrom(founding: Founding): BookSettings {
  const { clusterId, clusterName, foundedAtSeconds, partitions, replicas, min, maxLeaseMs, onLoss } = founding;
  return { clusterId, clusterName, foundedAtSeconds, partitions, replicas, min, maxLeaseMs, onLoss };
}

function memberFrom({ id, incarnation, address, zone, role }: Founder, slot: number): BookMember {
  const joinedAt = FIRST_VERSION;
  return { slot, id, incarnation, former: '', address, zone, role, joinedAt, health: 'up', failuresMs: [] };
}

function partitionOn(target: readonly number[], epoch: number, locksFromMs: number): BookPartition {
  return {
    version: FIRST_VERSION,
    epoch,
    firstEpoch: epoch,
    primary: target[0] ?? NO_MEMBER,
    isr: target,
    eligible: [],
    target,
    lost: null,
    locksFromMs,
  };
}

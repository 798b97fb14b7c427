/**
 * A command as the bytes of a Raft entry: a JSON array, the kind first, then the fields in the order in which
 * commands.ts names them. A change of this layout is a new kind: old entries are read for ever.
 */
import { NO_MEMBER } from './book.ts';
import type { Command, InSyncCommand } from './commands.ts';
import { bytesOfJson, JsonFields, jsonOfBytes } from './json-fields.ts';
import {
  ADDRESS,
  EPOCH_MAX,
  INCARNATION,
  NODE_ID_MAX,
  PARTITIONS_MAX,
  ROLES,
  SLOT_MAX,
  UNIX_MS_MAX,
  ZONE,
} from './record-fields.ts';

export function encodeCommand(command: Command): Uint8Array {
  return bytesOfJson(itemsOf(command));
}

/** Null for anything that is no command. */
export function decodeCommand(bytes: Uint8Array): Command | null {
  const fields = new JsonFields(jsonOfBytes(bytes));
  const command = readCommand(fields);
  return fields.isComplete ? command : null;
}

function itemsOf(command: Command): readonly unknown[] {
  switch (command.kind) {
    case 'join': {
      const { kind, id, incarnation, address, zone, role, nowMs } = command;
      return [kind, id, incarnation, address, zone, role, nowMs];
    }
    case 'down':
    case 'up':
    case 'leaving':
    case 'remove':
      return [command.kind, command.slot, command.incarnation, command.nowMs];
    case 'shrink':
    case 'expand': {
      const members = command.members.map(({ slot, incarnation }) => [slot, incarnation]);
      return [command.kind, command.partition, command.version, command.epoch, command.by, members];
    }
    case 'hand-over':
      return [command.kind, command.partition, command.version, command.epoch, command.by, command.to];
    case 'retarget':
      return [command.kind, command.partition, command.version, command.target];
    case 'revive':
      return [command.kind, command.partition, command.version, command.nowMs];
    case 'touch':
      return [command.kind, command.partition, command.version];
  }
}

function readCommand(fields: JsonFields): Command | null {
  const kind = fields.any() as Command['kind'];
  switch (kind) {
    case 'join': {
      const id = fields.whole(NODE_ID_MAX);
      const incarnation = fields.text(INCARNATION);
      const address = fields.text(ADDRESS);
      const zone = fields.text(ZONE);
      const role = fields.choice(ROLES);
      return { kind, id, incarnation, address, zone, role, nowMs: fields.whole(UNIX_MS_MAX) };
    }
    case 'down':
    case 'up':
    case 'leaving':
    case 'remove': {
      const slot = fields.whole(SLOT_MAX);
      const incarnation = fields.text(INCARNATION);
      return { kind, slot, incarnation, nowMs: fields.whole(UNIX_MS_MAX) };
    }
    case 'shrink':
    case 'expand': {
      const { partition, version } = readVersion(fields);
      const epoch = fields.whole(EPOCH_MAX);
      const by = fields.whole(NO_MEMBER);
      return { kind, partition, version, epoch, by, members: fields.list(SLOT_MAX, readMeasured) };
    }
    case 'hand-over': {
      const { partition, version } = readVersion(fields);
      const epoch = fields.whole(EPOCH_MAX);
      const by = fields.whole(NO_MEMBER);
      return { kind, partition, version, epoch, by, to: fields.whole(SLOT_MAX) };
    }
    case 'retarget':
      return { kind, ...readVersion(fields), target: fields.wholes(SLOT_MAX, SLOT_MAX) };
    case 'revive':
      return { kind, ...readVersion(fields), nowMs: fields.whole(UNIX_MS_MAX) };
    case 'touch':
      return { kind, ...readVersion(fields) };
    default:
      return null;
  }
}

function readVersion(fields: JsonFields): { readonly partition: number; readonly version: number } {
  const partition = fields.whole(PARTITIONS_MAX - 1);
  return { partition, version: fields.whole() };
}

function readMeasured(value: unknown): InSyncCommand['members'][number] | null {
  const fields = new JsonFields(value);
  const slot = fields.whole(SLOT_MAX);
  const incarnation = fields.text(INCARNATION);
  return fields.isComplete ? { slot, incarnation } : null;
}

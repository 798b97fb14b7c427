/** Random histories of a partition: entries as they stand in a log, and replicas that apply them. */
import fc from 'fast-check';
import { Arena } from '../../../../src/base/arena.ts';
import { PartitionState } from '../../../../src/node/partition-state.ts';
import type { SnapshotHead } from '../../../../src/node/snapshot/state-snapshot.ts';
import { EntryKind } from '../../../../src/replication/entry-kind.ts';
import { ReplicationLog } from '../../../../src/replication/replication-log.ts';
import * as bodies from '../../../helpers/bodies.ts';

export const PARTITION = 7;

export interface Entry {
  readonly epoch: number;
  readonly operation: number;
  readonly kind: number;
  readonly timeMs: number;
  readonly body: Uint8Array;
}

/** A replica that is given its entries one by one. */
export class Replica {
  readonly arena: Arena;
  readonly state: PartitionState;
  readonly #log = new ReplicationLog();

  constructor(arena: Arena = new Arena(), state: PartitionState = emptyState(arena)) {
    this.arena = arena;
    this.state = state;
  }

  /** What came of it, as a text. */
  apply({ epoch, operation, kind, timeMs, body }: Entry): string {
    const { state } = this;
    const position = this.#log.append(epoch, operation, kind, timeMs, body, 0, body.length);
    state.apply(this.#log, position);
    this.#log.dropBefore(position + 1);
    if (kind === EntryKind.attach) this.#age();
    const granted = state.locks.granted.slice(0, state.locks.grantedCount);
    const ended = state.locks.ended.slice(0, state.locks.endedCount);
    const outcome = [state.status, state.epoch, state.operation, state.payloadHigh, state.payloadLow];
    return `${kind}: ${outcome} granted ${granted} ended ${ended}`;
  }

  /** A session that has attached is old at once: its sequences are about to pass from the largest integer to the smallest. */
  #age(): void {
    const attachment = this.state.attachments.find(this.state.epoch, this.state.operation);
    if (attachment === undefined || attachment.mark !== 0) return;
    attachment.mark = SEQUENCE_STARTS[Number.parseInt(attachment.session.slice(0, 2), 16) - FIRST_SESSION] as number;
  }
}

/** The stage's number is what its value is filled with, and how long it is. */
export function emptyState(arena: Arena): PartitionState {
  return new PartitionState(arena, (stage) => new Uint8Array(stage).fill(stage));
}

const small = fc.nat(255);
const weights = { attach: 3, detach: 1, put: 6, staged: 1, remove: 2, increment: 2, expire: 1 };
const lockWeights = { acquire: 12, convert: 8, release: 3, cancel: 4, endDelay: 1 };

/** One entry to be, given meaning by the state in which it is made. */
export const step: fc.Arbitrary<Step> = fc.record({
  what: fc.oneof(
    ...Object.entries({ ...weights, ...lockWeights }).map(([kind, weight]) => ({
      arbitrary: fc.constant(kind),
      weight,
    })),
    fc.constantFrom('barrier', 'epoch', 'pend'),
  ),
  session: fc.nat(4),
  key: fc.nat(9),
  drawn: small,
  further: small,
});

export interface Step {
  readonly what: string;
  readonly session: number;
  readonly key: number;
  readonly drawn: number;
  readonly further: number;
}

const KEYS = ['a', 'b', 'c', 'd', 'e', 'n', 'long'.repeat(100), 'l'.repeat(20_000), '\u0000', 'é'];
const SPANS = [0, 0, 0, 50, 2 ** 40];
const STAGED_BYTES = [70_000, 33_000, 1, 200_000];
const DELAYS = [0, 30, 5000, 5000];
const LABELS = ['', '', 'nightly job', '\ufeffbatch ö'];
/** Bytes of the first session's id. */
const FIRST_SESSION = 160;
const SEQUENCE_STARTS = [1, 2 ** 31 - 5, -4, 2 ** 30, 77];

/** A replica whose entries are made up as it goes. */
export class History {
  readonly replica: Replica = new Replica();
  readonly #attached: { epoch: number; operation: number }[] = [];
  readonly #sequences: number[] = [...SEQUENCE_STARTS];
  epoch = 3;
  operation = 0;
  position = 1000;
  timeMs = 1_700_000_000_000;

  get state(): PartitionState {
    return this.replica.state;
  }

  get head(): SnapshotHead {
    const { position, state } = this;
    const epochs = [
      { epoch: 3, start: 1000 },
      { epoch: this.epoch, start: position },
    ];
    return {
      partition: PARTITION,
      epoch: state.appliedEpoch,
      operation: state.appliedOperation,
      position,
      timeMs: state.appliedTimeMs,
      epochs,
    };
  }

  /** Makes the entry and applies it; null when there is none. */
  take(one: Step): { entry: Entry; outcome: string } | null {
    this.timeMs += one.further % 40;
    if (one.what === 'epoch') {
      this.epoch += 1 + (one.drawn % 3);
      this.operation = 0;
    }
    const made = this.#make(one);
    if (made === null) return null;
    this.operation += 1;
    this.position += 1;
    const entry = { ...made, epoch: this.epoch, operation: this.operation, timeMs: this.timeMs };
    const outcome = this.replica.apply(entry);
    if (one.what === 'attach')
      this.#attached[one.session] = { epoch: this.state.epoch, operation: this.state.operation };
    return { entry, outcome };
  }

  #make(one: Step): { kind: number; body: Uint8Array } | null {
    const attached = this.#attached[one.session] ?? { epoch: 1, operation: 1 };
    const revision = Buffer.concat([bodies.u32(attached.epoch), bodies.u32(attached.operation)]);
    switch (one.what) {
      case 'attach':
        return { kind: EntryKind.attach, body: this.#attach(one.session) };
      case 'detach':
        return { kind: EntryKind.detach, body: Buffer.concat([revision, bodies.u8(one.drawn % 4 === 0 ? 0 : 1)]) };
      case 'endDelay':
        return this.#endDelay();
      case 'cancel': {
        const sequence = ((this.#sequences[one.session] as number) - (one.drawn % 8)) >>> 0;
        return {
          kind: EntryKind.cancel,
          body: Buffer.concat([revision, bodies.u32(sequence), bodies.u8(one.further & 1)]),
        };
      }
      case 'expire':
        return this.#expire();
      case 'pend':
        this.#pend(one.session, attached);
        return null;
      case 'barrier':
      case 'epoch':
        return { kind: EntryKind.barrier, body: new Uint8Array(0) };
      default:
        return this.#write(one, attached);
    }
  }

  #attach(session: number): Uint8Array {
    const id = Buffer.alloc(16, session + FIRST_SESSION);
    const name = ['host:1', '', '\ufeff\ufeffmarked', 'n'.repeat(255), 'ö'][session] as string;
    return bodies.attach({ partition: PARTITION, session: id, leaseMs: 100 + session, name }).subarray(4);
  }

  #expire(): { kind: number; body: Uint8Array } | null {
    const { keys } = this.state;
    const slot = keys.dueSlot(this.timeMs);
    if (slot < 0) return null;
    const key = new Uint8Array(keys.keyLength(slot));
    keys.copyKey(slot, key, 0);
    const revision = [bodies.u32(keys.epoch(slot)), bodies.u32(keys.operation(slot))];
    return { kind: EntryKind.expireKey, body: Buffer.concat([...revision, bodies.bytes16(key)]) };
  }

  /** Of what is free first; time goes on until then. */
  #endDelay(): { kind: number; body: Uint8Array } | null {
    const { locks } = this.state;
    const { requests } = locks;
    const [first] = [...requests.abandoned].sort((one, other) => requests.untilMs(one) - requests.untilMs(other));
    if (first === undefined) return null;
    this.timeMs = Math.max(this.timeMs, requests.untilMs(first));
    const key = new Uint8Array(locks.keyLength(requests.lock(first)));
    locks.copyKey(requests.lock(first), key, 0);
    const token = [bodies.u32(requests.tokenEpoch(first)), bodies.u32(requests.tokenOperation(first))];
    return { kind: EntryKind.endDelay, body: Buffer.concat([...token, bodies.bytes16(key)]) };
  }

  /** As a primary marks what it has appended. */
  #pend(session: number, { epoch, operation }: { epoch: number; operation: number }): void {
    const attachment = this.state.attachments.find(epoch, operation);
    const sequence = ((this.#sequences[session] as number) + 1) | 0;
    if (attachment === undefined || attachment.isBeforeMark(sequence)) return;
    if (attachment.isBeyondWindow(sequence, attachment.mark) || attachment.status(sequence) !== 0) return;
    attachment.pend(sequence, this.position + 5);
  }

  /** A new one mostly, else one of the last few. */
  #sequence({ session, drawn }: Step, attached: { epoch: number; operation: number }): number {
    const last = this.#sequences[session] as number;
    if (drawn % 8 === 7 && attached.epoch > 1) return (last - (drawn >> 4)) | 0;
    this.#sequences[session] = (last + 1) | 0;
    return this.#sequences[session] as number;
  }

  #write(one: Step, attached: { epoch: number; operation: number }): { kind: number; body: Uint8Array } {
    const key = KEYS[one.key] as string;
    const lock = KEYS[one.key % 4] as string;
    const sequence = this.#sequence(one, attached);
    const parts = {
      attachment: (BigInt(attached.epoch) << 32n) | BigInt(attached.operation),
      sequence: sequence >>> 0,
      mark: ((this.#sequences[one.session] as number) - (one.further % 24)) >>> 0,
      key,
    };
    const body = (more: Partial<bodies.WriteParts>): Uint8Array => bodies.write({ ...parts, ...more }).subarray(4);
    const span = SPANS[one.drawn % SPANS.length] as number;
    switch (one.what) {
      case 'staged': {
        const bytes = STAGED_BYTES[one.drawn % STAGED_BYTES.length] as number;
        const payload = bodies.stageReference(bytes, bytes);
        return { kind: EntryKind.put, body: body({ flags: bodies.STAGED, span, payload }) };
      }
      case 'remove':
        return { kind: EntryKind.remove, body: body({ flags: one.drawn & 1, revision: this.#revisionOf(key) }) };
      case 'increment':
        return { kind: EntryKind.increment, body: body({ key: 'n', payload: bodies.i64(BigInt(one.drawn) - 128n) }) };
      case 'acquire': {
        const payload = one.drawn % 5 === 0 ? Buffer.alloc(0) : this.#asked(one);
        return { kind: EntryKind.acquire, body: body({ key: lock, span: one.drawn % 3 === 0 ? 0 : 1000, payload }) };
      }
      case 'convert': {
        const { token, sequence: granted } = this.#grantOf(lock, one);
        const payload = bodies.conversionOf(one.further % 6, granted);
        return { kind: EntryKind.acquire, body: body({ key: lock, span: one.drawn % 4, revision: token, payload }) };
      }
      case 'release': {
        const { token, sequence: granted } = this.#grantOf(lock, one);
        const payload = bodies.u32(granted >>> 0);
        return {
          kind: EntryKind.release,
          body: body({ key: lock, revision: token, flags: bodies.NAMES_GRANT, payload }),
        };
      }
      default: {
        const conditional = one.drawn % 4 === 0;
        const payload = Buffer.alloc(one.further % 16 === 0 ? one.drawn * 40 : one.drawn % 30, one.drawn);
        const condition = conditional ? { flags: bodies.IF_REVISION, revision: this.#revisionOf(key) } : {};
        return { kind: EntryKind.put, body: body({ ...condition, span, payload }) };
      }
    }
  }

  #revisionOf(key: string): bigint {
    const bytes = Buffer.from(key);
    const slot = this.state.keys.find(bytes, 0, bytes.length);
    return slot < 0 ? 0n : (BigInt(this.state.keys.epoch(slot)) << 32n) | BigInt(this.state.keys.operation(slot));
  }

  #asked({ drawn, further }: Step): Uint8Array {
    const delayMs = DELAYS[drawn % 4] as number;
    return bodies.lockOf([3, 3, 1, 1, 2, 4, 5, 0][further % 8] as number, {
      flow: drawn,
      delayMs,
      label: LABELS[drawn % 4] as string,
    });
  }

  /** Of the session, if it has one; else of anybody. */
  #grantOf(key: string, { session, drawn }: Step): { token: bigint; sequence: number } {
    const { locks, attachments } = this.state;
    const bytes = Buffer.from(key);
    const slot = locks.find(bytes, 0, bytes.length);
    if (slot < 0) return { token: 5n, sequence: 1 };
    const all: number[] = [];
    for (let held = locks.firstGranted(slot); held >= 0; held = locks.grantedAfter(held)) all.push(held);
    const attached = this.#attached[session];
    const own = attached && attachments.find(attached.epoch, attached.operation)?.slot;
    const mine = all.filter((held) => locks.requests.attachment(held) === own);
    const chosen = (mine[drawn % Math.max(1, mine.length)] ?? all[0]) as number;
    const { requests } = locks;
    const token = (BigInt(requests.tokenEpoch(chosen)) << 32n) | BigInt(requests.tokenOperation(chosen));
    return { token, sequence: requests.sequence(chosen) };
  }
}

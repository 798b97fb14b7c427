/**
 * LOAD: a chunk of rows, parsed by a worker thread or, without threads, in pieces here; its rows are then written like
 * anybody's, through a client inside this process. As many rows are under way as keep queues short (row-window.ts), and few
 * are begun in a turn, whatever is loaded, so that other requests pass in between; loads take turns.
 */
import { readU32 } from '../base/bytes.ts';
import { FixedQueue } from '../base/fixed-queue.ts';
import type { TimerHandle } from '../base/ports.ts';
import type { RowReader } from '../bulk/rows.ts';
import { type Code, KeyvalError } from '../errors.ts';
import { LOAD_BYTES_MAX } from '../protocol/limits.ts';
import { LOAD_FLAGS, LOAD_LINES, writeLoaded } from '../protocol/load-codec.ts';
import { LODD } from '../protocol/opcode.ts';
import type { Connection } from './connection.ts';
import { Load } from './load.ts';
import type { BulkWriter, NodePorts } from './ports.ts';
import { lateness, layoutText, type Refusal, STOPPING } from './refusals.ts';
import { replyFail } from './reply.ts';
import { RowWindow } from './row-window.ts';

export interface BulkHost {
  readonly ports: NodePorts;
  readonly stopping: boolean;
  touch(): number;
  /** Sets memory aside; false: there is none. */
  reserveHere(bytes: number): boolean;
}

export const LOADS_PER_CONNECTION_MAX = 4;
export const LOADS_MAX = 32;
/** Rows begun in one turn: some 100 microseconds. */
const ROWS_PER_TURN_MAX = 32;
/** Rows of one load before it is another's turn. */
const ROWS_IN_A_ROW_MAX = 8;
/** Least that a load costs of a turn: a piece of its text may have been parsed. */
const ROWS_OF_A_PIECE = 8;
/** How often loads that have to wait for the rows of others are looked at: whether their time is over. */
const LOOK_MS = 50;
/** How long the rows under way have when the node stops. */
const STOP_MS = 500;
/** How long the client that writes them has to say goodbye; then what is still under way has failed. */
const GOODBYE_MS = 1500;
/** Kept back of the caller's time, at most, so that it hears what became of the rows. */
const ANSWER_MS_MAX = 500;

export class BulkRequests {
  readonly #host: BulkHost;
  readonly #loads: Set<Load> = new Set();
  /** Loads with rows to write; each is in here once, or rests while it has none. */
  readonly #ready: FixedQueue<Load> = new FixedQueue();
  readonly #window: RowWindow = new RowWindow();
  #writer: Promise<BulkWriter> | null = null;
  #opened: BulkWriter | null = null;
  #underWay = 0;
  #scheduled = false;
  #look: TimerHandle | null = null;
  #whenIdle: (() => void) | null = null;
  readonly #turn: () => void;

  constructor(host: BulkHost) {
    this.#host = host;
    this.#turn = (): void => this.#endOfTurn();
  }

  /** Memory of chunks under way. */
  get bytes(): number {
    let bytes = 0;
    for (const load of this.#loads) bytes += load.bytes;
    return bytes;
  }

  /** LOAD, whose body is `bytes[start, end)`. */
  load(from: Connection, messageId: number, bytes: Uint8Array, start: number, end: number): void {
    const refusal = this.#refusal(from, bytes, start, end);
    if (refusal !== null) return replyFail(from, messageId, refusal[0], refusal[1]);
    const text = new Uint8Array(end - start - LOAD_LINES);
    text.set(bytes.subarray(start + LOAD_LINES, end));
    const { workers } = this.#host.ports;
    const handed = workers.takes('parseRows', text.length);
    if (!handed) workers.countInline();
    const untilMs = this.#host.touch() + timeForRows(readU32(bytes, start));
    const load = new Load(from, messageId, untilMs, text.length, handed ? new Uint8Array(0) : text);
    this.#loads.add(load);
    void this.#begin(load, handed ? text : null);
  }

  /** Why a LOAD is not begun; null: it is. */
  #refusal(from: Connection, bytes: Uint8Array, start: number, end: number): Refusal | null {
    if (end - start < LOAD_LINES || bytes[start + LOAD_FLAGS] !== 0) {
      return ['KV_BAD_REQUEST', layoutText('LOAD')];
    }
    const length = end - start - LOAD_LINES;
    if (length > LOAD_BYTES_MAX) {
      return ['KV_TOO_LARGE', `a chunk of ${length} bytes; at most ${LOAD_BYTES_MAX} are loaded at once`];
    }
    const late = lateness(this.#host.stopping, bytes, start);
    if (late !== null) return late;
    if (this.#loads.size >= LOADS_MAX) return ['KV_OVERLOADED', `this node has ${LOADS_MAX} loads under way already`];
    let own = 0;
    for (const load of this.#loads) if (load.to === from) own += 1;
    if (own >= LOADS_PER_CONNECTION_MAX) return ['KV_OVERLOADED', `this connection has ${own} loads under way already`];
    // Its text and then its rows, which are no longer.
    if (!this.#host.reserveHere(length)) return ['KV_OUT_OF_MEMORY', 'this node has no memory for the chunk'];
    return null;
  }

  async #begin(load: Load, text: Uint8Array<ArrayBuffer> | null): Promise<void> {
    try {
      this.#writer ??= this.#open();
      if (text !== null) load.take(await this.#host.ports.workers.run('parseRows', text));
      await this.#writer;
    } catch (error) {
      const known = error instanceof KeyvalError ? error : new KeyvalError('KV_INTERNAL', String(error));
      return this.#refuse(load, known.code, known.message);
    }
    if (!this.#loads.has(load)) return;
    load.waiting = true;
    this.#ready.push(load);
    this.#schedule();
  }

  /** Ends a load without an account of its rows. */
  #refuse(load: Load, code: Code, message: string): void {
    if (!this.#loads.delete(load)) return;
    if (!load.to.closed) replyFail(load.to, load.messageId, code, message);
    this.#idle();
  }

  async #open(): Promise<BulkWriter> {
    try {
      this.#opened = await this.#host.ports.openBulkWriter();
      return this.#opened;
    } catch (error) {
      this.#writer = null; // the next load tries again
      throw error;
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#ready.size === 0) return;
    const { timers } = this.#host.ports;
    if (this.#underWay >= this.#window.size) {
      this.#look ??= timers.after(LOOK_MS, () => this.#endLate());
      return;
    }
    this.#scheduled = true;
    timers.atTurnEnd(this.#turn);
  }

  /** No row can be begun; loads whose time is over are told so nevertheless. */
  #endLate(): void {
    this.#look = null;
    const nowMs = this.#host.touch();
    for (let left = this.#ready.size; left > 0; left -= 1) this.#beginRows(this.#ready.shift() as Load, 0, nowMs);
    this.#schedule();
  }

  #endOfTurn(): void {
    this.#scheduled = false;
    const nowMs = this.#host.touch();
    let left = Math.min(ROWS_PER_TURN_MAX, this.#window.size - this.#underWay);
    while (left > 0 && this.#ready.size > 0) {
      const load = this.#ready.shift() as Load;
      const begun = this.#beginRows(load, Math.min(left, ROWS_IN_A_ROW_MAX), nowMs);
      left -= Math.max(begun, ROWS_OF_A_PIECE);
    }
    this.#schedule();
  }

  /** Begins up to `most` rows of a load, and puts it back in line if it has more. Gives how many. */
  #beginRows(load: Load, most: number, nowMs: number): number {
    const end = this.#endOf(load, nowMs);
    if (end !== null) {
      load.failRows(...end);
      return this.#goOn(load, load.hasText, 0);
    }
    let begun = 0;
    for (; begun < most; begun += 1) {
      const row = load.next();
      if (row === null) break;
      this.#write(load, row, nowMs);
    }
    return this.#goOn(load, begun === most || load.hasText, begun);
  }

  #goOn(load: Load, hasMore: boolean, begun: number): number {
    load.waiting = hasMore;
    if (hasMore) this.#ready.push(load);
    else this.#checkEnd(load);
    return begun;
  }

  /** Why no further row of a load is begun; null: they are. */
  #endOf(load: Load, nowMs: number): Refusal | null {
    if (this.#host.stopping) return STOPPING;
    return nowMs < load.untilMs ? null : ['KV_DEADLINE', 'the deadline passed before the row was begun'];
  }

  #write(load: Load, row: RowReader, nowMs: number): void {
    const { bytes, line } = row;
    const key = bytes.subarray(row.keyStart, row.keyEnd);
    const value = bytes.subarray(row.valueStart, row.valueEnd);
    load.underWay += 1;
    this.#underWay += 1;
    (this.#opened as BulkWriter).put(key, value, row.ttlMs, load.untilMs - nowMs).then(
      () => {
        load.written();
        this.#rowEnded(load, nowMs);
      },
      (error: unknown) => {
        load.failed(line, codeOf(error), error instanceof Error ? error.message : String(error));
        this.#rowEnded(load, nowMs);
      },
    );
  }

  #rowEnded(load: Load, begunAtMs: number): void {
    const nowMs = this.#host.touch();
    this.#window.ended(nowMs - begunAtMs, nowMs);
    this.#underWay -= 1;
    this.#checkEnd(load);
    this.#schedule();
  }

  /** Answers a load of which nothing is left. */
  #checkEnd(load: Load): void {
    if (load.underWay > 0 || load.waiting || !this.#loads.delete(load)) return;
    if (!load.to.closed) writeLoaded(load.to.frames, LODD, load.messageId, load.result);
    this.#idle();
  }

  #idle(): void {
    if (this.#loads.size === 0) this.#whenIdle?.();
  }

  closed(connection: Connection): void {
    for (const load of this.#loads) if (load.to === connection) load.abandon();
  }

  /** Begins no further row, gives those under way a moment, and answers. */
  async stop(): Promise<void> {
    const writer = this.#writer;
    if (writer === null) return;
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      this.#idle();
    });
    await Promise.race([idle, this.#pause(STOP_MS)]);
    if (this.#opened === null) this.#refuseAll(...STOPPING);
    const closed = writer.then((opened) => opened.close()).catch(() => undefined);
    await Promise.race([Promise.all([idle, closed]), this.#pause(GOODBYE_MS)]);
    this.#endLate();
    this.#refuseAll('KV_AMBIGUOUS', 'this node stopped before the load was done; some of its rows may be stored');
  }

  #refuseAll(code: Code, message: string): void {
    for (const load of [...this.#loads]) this.#refuse(load, code, message);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#host.ports.timers.after(ms, resolve);
    });
  }
}

/** The rest is for the answer: it is to be there before the caller's time is over. */
function timeForRows(timeLeftMs: number): number {
  return timeLeftMs - Math.min(ANSWER_MS_MAX, timeLeftMs / 8);
}

/** A node that stops closes the client of its loads: its rows are to be loaded elsewhere. */
function codeOf(error: unknown): Code {
  if (!(error instanceof KeyvalError)) return 'KV_INTERNAL';
  return error.code === 'KV_CLOSED' ? 'KV_STOPPING' : error.code;
}

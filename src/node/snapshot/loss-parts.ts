/** The losses of locks (L14) as parts of a snapshot (layout.ts), written and read. */
import { ByteReader } from '../../base/byte-reader.ts';
import { ByteWriter } from '../../base/byte-writer.ts';
import { LOCK_MODES } from '../../base/lock-mode.ts';
import {
  LOSS_CAUSES,
  LOSS_KEY_BYTES_MAX,
  LOSS_TEXT_MAX,
  LOSSES_MAX,
  type Loss,
  type Losses,
} from '../../lock/losses.ts';
import { Part, SESSION_ID_BYTES } from './layout.ts';
import { expect } from './malformed.ts';

const utf8 = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function writeLosses(writer: ByteWriter, losses: Losses): void {
  const body = new ByteWriter();
  body.u48(losses.added);
  body.u48(losses.sinceMs);
  writePart(writer, Part.losses, body);
  for (const loss of losses.from(0)) writePart(writer, Part.loss, lossBody(loss));
}

function writePart(writer: ByteWriter, tag: number, body: ByteWriter): void {
  writer.u8(tag);
  writer.u32(body.length);
  writer.bytes(body.finish());
}

function lossBody(loss: Loss): ByteWriter {
  const body = new ByteWriter();
  body.u8(loss.cause);
  body.u48(loss.atMs);
  body.u16(loss.keyLength);
  body.u32(loss.epoch);
  body.u32(loss.operation);
  body.u8(loss.mode);
  body.u32(loss.flow);
  body.u48(loss.sinceMs);
  body.u32(loss.delayMs);
  body.u8(loss.session === '' ? 0 : 1);
  for (let at = 0; at < loss.session.length; at += 8) body.u32(Number.parseInt(loss.session.slice(at, at + 8), 16));
  for (const text of [loss.name, loss.label, loss.by]) {
    const bytes = utf8.encode(text);
    body.u16(bytes.length);
    body.bytes(bytes);
  }
  body.bytes(loss.key);
  return body;
}

export class LossLoader {
  readonly #losses: Losses;
  readonly #read: Loss[] = [];
  #added = -1;
  #sinceMs = 0;

  constructor(losses: Losses) {
    this.#losses = losses;
  }

  begin(bytes: Uint8Array, start: number, end: number): void {
    const reader = new ByteReader(bytes, start, end);
    expect(this.#added < 0, 'its losses begin twice');
    this.#added = reader.u48();
    this.#sinceMs = reader.u48();
    expect(reader.isComplete, 'the head of its losses has the wrong length');
  }

  loss(bytes: Uint8Array, start: number, end: number): void {
    const reader = new ByteReader(bytes, start, end);
    const head = {
      cause: reader.u8(),
      atMs: reader.u48(),
      keyLength: reader.u16(),
      epoch: reader.u32(),
      operation: reader.u32() | 0,
      mode: reader.u8(),
      flow: reader.u32(),
      sinceMs: reader.u48(),
      delayMs: reader.u32(),
    };
    const session = sessionIn(reader);
    const [name, label, by] = [textIn(reader), textIn(reader), textIn(reader)];
    const key = reader.bytes(reader.left);
    expect(!reader.isShort && head.mode < LOCK_MODES, 'a loss is cut short');
    expect(head.cause > 0 && head.cause <= LOSS_CAUSES, `a loss of cause ${head.cause}`);
    expect(key.length === Math.min(head.keyLength, LOSS_KEY_BYTES_MAX), 'a loss of no key');
    expect(this.#read.length < LOSSES_MAX, 'it has too many losses');
    this.#read.push({ ...head, key, session, name, label, by });
  }

  /** All of them are there. */
  done(): void {
    expect(this.#read.length === Math.min(Math.max(0, this.#added), LOSSES_MAX), 'it does not have all of its losses');
    this.#losses.restore(Math.max(0, this.#added), this.#sinceMs, this.#read);
  }
}

function sessionIn(reader: ByteReader): string {
  if (reader.u8() === 0) return '';
  let digits = '';
  for (let read = 0; read < SESSION_ID_BYTES; read += 4) digits += reader.u32().toString(16).padStart(8, '0');
  return digits;
}

function textIn(reader: ByteReader): string {
  const text = decoder.decode(reader.bytes(reader.u16()));
  expect(text.length <= LOSS_TEXT_MAX, 'a loss with too long a text');
  return text;
}

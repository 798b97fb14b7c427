/** Whoever asks a partition: its replies, decoded, one readable line each. */
import { readBigU64, readU16, readU32, readU48 } from '../../../src/base/bytes.ts';
import { codeOfWire } from '../../../src/errors.ts';
import { NOBODY } from '../../../src/node/connection.ts';
import type { ReplyTarget } from '../../../src/node/reply.ts';
import { GotFlag, MovedFlag } from '../../../src/protocol/client-codec.ts';
import { FrameWriter } from '../../../src/protocol/frame-writer.ts';
import { type DecodedFrame, decodeChunks } from '../../helpers/decode.ts';
import { ManualTurn } from '../../helpers/manual-turn.ts';

/** Revisions and tokens as people read them: epoch.operation. */
export function revisionText(revision: bigint): string {
  return `${revision >> 32n}.${revision & 0xffff_ffffn}`;
}

/** `9.4` as a 64-bit number. */
export function revisionOf(text: string): bigint {
  const [epoch = '', operation = ''] = text.split('.');
  return (BigInt(epoch) << 32n) | BigInt(operation);
}

export class Caller implements ReplyTarget {
  readonly frames: FrameWriter = new FrameWriter(new ManualTurn().turn, { flush: () => undefined });
  closed = false;
  forwards = 0;
  owner: string = NOBODY;
  units = 0;
  leased = false;
  /** Text of the FAIL read last. */
  failure = '';

  destroy(): void {
    this.closed = true;
  }

  /** The frames written since the last call. */
  takeFrames(): DecodedFrame[] {
    const bytes = this.frames.buffer.slice(0, this.frames.length);
    this.frames.length = 0;
    return decodeChunks([bytes]);
  }

  /** The same as lines: message id, opcode, what it says. */
  read(): string[] {
    return this.takeFrames().map((frame) => `${frame.messageId} ${frame.opcode}${this.#describe(frame)}`);
  }

  #describe({ opcode, body }: DecodedFrame): string {
    switch (opcode) {
      case 'GOTK':
        return describeGot(body);
      case 'DONE':
        return describeDone(body);
      case 'LKDK':
        return ` ${revisionText(readBigU64(body, 0))}${body.length === 8 ? '' : `,${describeContent(body.subarray(8))}`}`;
      case 'FAIL':
        this.failure = Buffer.from(body.subarray(2)).toString();
        return ` ${codeOfWire(readU16(body, 0))}`;
      case 'SCND':
        return describeScanned(body);
      case 'MOVD':
        return ` to ${readU16(body, 2)}${body[4] === MovedFlag.unknown ? ' unknown' : ''}`;
      default:
        return '';
    }
  }
}

function describeContent(body: Uint8Array): string {
  return body.length === 1 && body[0] === GotFlag.apart ? ' ask for it' : describeGot(body);
}

function describeGot(body: Uint8Array): string {
  if (body[0] === 0) return ' nothing';
  const ttlMs = readU48(body, 9);
  const ttl = ttlMs === 0 ? '' : ` for ${ttlMs}`;
  return ` '${Buffer.from(body.subarray(15))}' ${revisionText(readBigU64(body, 1))}${ttl}`;
}

function describeDone(body: Uint8Array): string {
  const sum = body.length > 9 ? ` = ${Buffer.from(body.subarray(9)).readBigInt64BE()}` : '';
  return ` ${body[0] === 1 ? 'applied' : 'refused'} ${revisionText(readBigU64(body, 1))}${sum}`;
}

/** Partition, commit point, where to go on, then the keys with their values. */
function describeScanned(body: Uint8Array): string {
  const entries: string[] = [];
  for (let at = 18, count = readU32(body, 14); count > 0; count -= 1) {
    const keyLength = readU16(body, at);
    const valueLength = readU32(body, at + 2) === 0xffff_ffff ? -1 : readU32(body, at + 2);
    const value = at + 20 + keyLength;
    const text = valueLength < 0 ? '…' : `'${Buffer.from(body.subarray(value, value + valueLength))}'`;
    entries.push(`${Buffer.from(body.subarray(at + 20, value))}=${text}`);
    at = value + Math.max(0, valueLength);
  }
  const next = readU32(body, 10);
  const list = entries.length === 0 ? '' : ` ${entries.join(' ')}`;
  return ` ${readU16(body, 0)} at ${revisionText(readBigU64(body, 2))} ${next === 0 ? 'done' : `next ${next}`}:${list}`;
}

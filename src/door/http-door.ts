/**
 * The door for those who speak HTTP on the port of the frames: takes the head of one request, however it is cut, and gives
 * the one answer. A head has few bytes; a body is never read. How long it may take is for whoever holds the connection.
 */
import { type HealthSource, healthResponse, refusal } from './http-health.ts';

export const HEAD_BYTES_MAX = 8192;

/** How every request begins; anything else is refused at once, so that nobody waits for the end of what has none. */
const BEGINNING = /^[A-Z]{1,16}(?: |$)/;
const EMPTY_LINE = /\r?\n\r?\n/g;
/** Bytes of an empty line that may have come before. */
const EMPTY_LINE_BYTES_MAX = 4;

const encoder = new TextEncoder();

export class HttpDoor {
  readonly #health: HealthSource;
  #head = '';

  constructor(health: HealthSource) {
    this.#health = health;
  }

  /** The whole answer, after which the connection ends; null: more must come. */
  received(chunk: Uint8Array): Uint8Array | null {
    const from = Math.max(0, this.#head.length - EMPTY_LINE_BYTES_MAX);
    const room = HEAD_BYTES_MAX + 1 - this.#head.length;
    for (const byte of chunk.subarray(0, room)) this.#head += String.fromCharCode(byte);
    const answer = this.#answer(from);
    return answer === null ? null : encoder.encode(answer);
  }

  #answer(from: number): string | null {
    const head = this.#head;
    if (!BEGINNING.test(head)) return refusal(400, 'neither a keyval frame nor an HTTP request');
    EMPTY_LINE.lastIndex = from;
    const end = EMPTY_LINE.exec(head);
    if (end !== null && EMPTY_LINE.lastIndex <= HEAD_BYTES_MAX) return healthResponse(head, this.#health);
    return head.length > HEAD_BYTES_MAX
      ? refusal(431, `the head of a request has at most ${HEAD_BYTES_MAX} bytes`)
      : null;
  }
}

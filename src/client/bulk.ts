/** `load`: a chunk of rows to any node, which parses and writes them. Chunks go to the connected nodes in turn. */
import { KeyvalError } from '../errors.ts';
import { LOAD_BYTES_MAX } from '../protocol/limits.ts';
import { decodeLoaded, encodeLoad, type LoadResult } from '../protocol/load-codec.ts';
import { LOAD } from '../protocol/opcode.ts';
import { Shape } from './answers.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { NodeLink } from './node-link.ts';
import { Operation } from './operation.ts';

export type { LoadFailure, LoadResult } from '../protocol/load-codec.ts';

const encoder = new TextEncoder();
/** Replaced when the request leaves: see RequestEncoder. */
const LATER_MS = 0;

export class BulkLoader {
  readonly #dispatcher: Dispatcher;
  #next = 0;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /**
   * Sends a chunk. `listen` may tie the request to an AbortSignal; false: it has been aborted already.
   * @throws KeyvalError KV_TOO_LARGE; KV_AMBIGUOUS when the answer does not come: some of the rows may be written
   */
  async load(
    chunk: Uint8Array | string,
    deadlineMs: number,
    listen: (operation: Operation) => boolean,
  ): Promise<LoadResult> {
    const lines = typeof chunk === 'string' ? encoder.encode(chunk) : chunk;
    if (!(lines instanceof Uint8Array)) {
      throw new KeyvalError(
        'KV_USAGE',
        'load takes NDJSON, as a string or as bytes; JSON.stringify each row on a line',
      );
    }
    if (lines.length > LOAD_BYTES_MAX) {
      const text = `a chunk of ${lines.length} bytes; at most ${LOAD_BYTES_MAX} are loaded at once: cut it between two lines, and put a row that is longer by itself`;
      throw new KeyvalError('KV_TOO_LARGE', text);
    }
    return decodeLoaded(await this.#send(encodeLoad(LATER_MS, lines), deadlineMs, listen));
  }

  #send(body: Uint8Array, deadlineMs: number, listen: (operation: Operation) => boolean): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const failed = (error: KeyvalError): void => reject(verdict(operation, error));
      const operation = new Operation(LOAD, '', null, deadlineMs, resolve as (answer: unknown) => void, failed);
      operation.body = body;
      operation.link = this.#nextLink();
      operation.shape = Shape.raw;
      if (listen(operation)) this.#dispatcher.submit(operation);
    });
  }

  /** The connected nodes in turn; while there is none, the first that may become one. */
  #nextLink(): NodeLink {
    const { router, links } = this.#dispatcher;
    const known = router.links.length > 0 ? router.links : links;
    const up = known.filter((link) => link.up);
    this.#next += 1;
    return (up.length > 0 ? up[this.#next % up.length] : known[0]) as NodeLink;
  }
}

/** Once it was sent, a connection that broke says nothing of what was written. */
function verdict(operation: Operation, error: KeyvalError): KeyvalError {
  if (operation.attempts === 0 || error.code !== 'KV_UNREACHABLE') return error;
  const text = `some rows of the chunk may have been written: ${error.message}; loading it again writes the same rows once more`;
  return new KeyvalError('KV_AMBIGUOUS', text, { cause: error });
}

/** Writes histories for tests: the lines of kvh/1 as a client would write them. */

/** One operation: what is left out has the obvious default. */
export interface Written {
  readonly f: string;
  readonly k?: string;
  readonly p?: string;
  readonly a?: object;
  readonly lvl?: string;
  readonly call: number;
  /** Left out: nobody answered. */
  readonly ret?: number;
  readonly r?: 'ok' | 'fail' | 'unknown';
  readonly o?: object;
}

/** The lines of a history: its meta line, then a call and perhaps a ret for each operation, with ids from 1. */
export function linesOf(operations: readonly Written[], meta: object = {}): string[] {
  const lines = operations.flatMap((operation, i) => linesOfOne(operation, i + 1));
  return [JSON.stringify({ t: 'meta', fmt: 'kvh/1', ...meta }), ...lines];
}

function linesOfOne({ f, k, p, a, lvl, call, ret, r, o }: Written, id: number): string[] {
  const key = f === 'keepalive' || f === 'close' ? undefined : (k ?? 'k');
  const asked = JSON.stringify({ t: 'call', id, p: p ?? `c${id}`, ts: call, f, k: key, a, lvl });
  if (ret === undefined) return [asked];
  return [asked, JSON.stringify({ t: 'ret', id, ts: ret, r: r ?? 'ok', o })];
}

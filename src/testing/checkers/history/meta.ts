/** The `meta` line of a history: what the run allows. It may stand anywhere, and may be missing. */

import {
  asFields,
  durationField,
  type Fields,
  flagField,
  integerField,
  LineError,
  optional,
  textField,
} from './fields.ts';

export const FORMAT = 'kvh/1';

export interface Meta {
  /** Lease of an acquire that names none, ns; undefined: each must name its own. */
  readonly ttlNs: number | undefined;
  /** How wrong the rate of a clock may be, parts per million. Default 0. */
  readonly driftPpm: number;
  /** How far apart the clocks of two clients may be, ns. Default 0: one clock. */
  readonly skewNs: number;
  /** An unanswered request can take effect until this long after its call, ns. Default Infinity. */
  readonly lateNs: number;
  /** An acquire may be refused although the lock is free. Default false. */
  readonly denyFree: boolean;
  /** Values that keys had at the start; all others were absent. */
  readonly initial: ReadonlyMap<string, string>;
}

export const defaultMeta: Meta = {
  ttlNs: undefined,
  driftPpm: 0,
  skewNs: 0,
  lateNs: Number.POSITIVE_INFINITY,
  denyFree: false,
  initial: new Map(),
};

/** @param json a `meta` line */
export function parseMeta(json: Fields): Meta {
  if (json.fmt !== FORMAT) throw new LineError(`"fmt" is ${JSON.stringify(json.fmt)}; this judge reads ${FORMAT}`);
  return {
    ttlNs: optional(durationField, json, 'ttl'),
    driftPpm: driftField(json) ?? defaultMeta.driftPpm,
    skewNs: optional(durationField, json, 'skew') ?? defaultMeta.skewNs,
    lateNs: optional(durationField, json, 'late') ?? defaultMeta.lateNs,
    denyFree: optional(flagField, json, 'denyFree') ?? defaultMeta.denyFree,
    initial: parseInitial(json.init),
  };
}

/** What a length of time measured by somebody else's clock comes to at least, in whole ns. */
export function leastOf(meta: Meta, durationNs: number): number {
  return Math.floor(durationNs * (1 - meta.driftPpm / 1e6));
}

function driftField(json: Fields): number | undefined {
  const ppm = optional(integerField, json, 'driftPpm');
  if (ppm !== undefined && (ppm < 0 || ppm >= 1e6)) throw new LineError('"driftPpm" must be from 0 to 999999');
  return ppm;
}

function parseInitial(json: unknown): ReadonlyMap<string, string> {
  const initial = new Map<string, string>();
  if (json === undefined) return initial;
  const fields = asFields(json, '"init"');
  for (const key of Object.keys(fields)) initial.set(key, textField(fields, key));
  return initial;
}

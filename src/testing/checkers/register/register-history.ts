/**
 * The history of one key as the checks and the search want it: what cannot matter is left out (failed operations, reads
 * that were not answered, reads that promise less than linearizability), the rest is sorted by call.
 */

import { compareDecimals } from '../history/decimal.ts';
import { leastOf, type Meta } from '../history/meta.ts';
import type { Operation } from '../history/operation.ts';
import { order } from '../prefix-best.ts';
import { NONE, RegisterOperation, VERSION_ABSENT } from './register-operation.ts';
import { withoutUnnoticed } from './unnoticed.ts';
import { ABSENT, UNTOLD, ValueTable } from './value-table.ts';

/** What is not to be believed, when the reason of a violation is looked for. */
export interface Doubts {
  /** Reads among these count for nothing; writes took effect between call and answer, or never. */
  readonly relaxed?: ReadonlySet<Operation>;
  /** What the key may have held at the start: any value, or even one that may vanish at any time. */
  readonly start?: 'any' | 'any expiring';
}

export class RegisterHistory {
  readonly key: string;
  readonly meta: Meta;
  /** Everything on the key, in any order; also what is not judged for linearizability. */
  readonly sources: readonly Operation[];
  /** What is judged, sorted by call. */
  readonly operations: readonly RegisterOperation[];
  readonly values: ValueTable = new ValueTable();
  /** The value at the start, or UNTOLD. */
  readonly initial: number;
  /** The value at the start may vanish at any time. */
  readonly startExpires: boolean;
  /** Moments matter beyond order: values that vanish, or effects that cannot come later than a bound. */
  readonly timed: boolean;
  /** Some value can expire before the history ends. */
  readonly expires: boolean;
  /** An increment of unknown fate: values that no operation names can appear. */
  readonly dynamic: boolean;
  readonly #ranks: ReadonlyMap<string, number>;

  constructor(key: string, sources: readonly Operation[], meta: Meta, doubts: Doubts = {}) {
    const { relaxed, start } = doubts;
    this.key = key;
    this.meta = meta;
    this.sources = sources;
    this.#ranks = rankVersions(sources);
    this.startExpires = start === 'any expiring';
    this.initial = start !== undefined ? UNTOLD : this.values.intern(meta.initial.get(key) ?? null);
    const compiled = sources.map((source) => this.#compile(source, relaxed?.has(source) ?? false));
    const judged = compiled.filter((operation) => operation !== null);
    const weak = sources.filter(({ kind, level }) => kind === 'get' && level !== 'lin');
    const foundByWeak = weak.map(({ found }) => this.values.intern(found ?? null));
    keepUnexpired(judged, sources);
    this.operations = withoutUnnoticed(judged, foundByWeak);
    this.expires = this.operations.some(({ lifetime }) => lifetime < Number.POSITIVE_INFINITY);
    this.timed = this.expires || this.operations.some(({ certain, ret }) => !certain && ret < Number.POSITIVE_INFINITY);
    this.dynamic = this.operations.some(({ source, makes }) => source.kind === 'incr' && makes === NONE);
    this.#number();
  }

  /** The rank of a version among all of the key, 1 for the least; 0 for "absent"; NONE when none is given. */
  rankOf(version: string | undefined): number {
    return version === undefined ? NONE : (this.#ranks.get(version) ?? NONE);
  }

  #number(): void {
    (this.operations as RegisterOperation[]).sort((a, b) => order(a.call, b.call));
    const signatures = new Map<string, number>();
    for (const [index, operation] of this.operations.entries()) {
      operation.index = index;
      if (operation.certain) continue;
      const text = signatureOf(operation);
      operation.signature = signatures.get(text) ?? signatures.size;
      signatures.set(text, operation.signature);
    }
  }

  #compile(source: Operation, relaxed: boolean): RegisterOperation | null {
    if (source.outcome === 'fail') return null;
    const operation = new RegisterOperation(source, source.certain && !relaxed);
    if (source.kind === 'get') return source.level === 'lin' ? this.#get(operation) : null;
    if (source.kind === 'put') return this.#write(operation);
    if (source.kind === 'del') return this.#delete(operation);
    if (source.kind === 'cas') return this.#compareAndSet(operation);
    return this.#increment(operation);
  }

  #get(operation: RegisterOperation): RegisterOperation | null {
    if (!operation.certain) return null;
    operation.needs = this.values.intern(operation.source.found ?? null);
    operation.version = this.rankOf(operation.source.version);
    return operation;
  }

  #write(operation: RegisterOperation): RegisterOperation {
    const { value, ttl, kind } = operation.source;
    operation.changes = true;
    operation.blind = kind === 'put';
    operation.makes = this.values.intern(value ?? null);
    if (ttl !== undefined) operation.lifetime = leastOf(this.meta, ttl);
    if (operation.certain) operation.version = this.rankOf(operation.source.version);
    return operation;
  }

  #delete(operation: RegisterOperation): RegisterOperation {
    const found = operation.certain ? operation.source.accepted : undefined;
    operation.changes = found !== false;
    operation.needsPresence = found === true;
    if (found === false) operation.needs = ABSENT;
    else operation.makes = ABSENT;
    if (operation.certain) operation.version = this.rankOf(operation.source.version);
    // A version tells a delete that removed something from one that need not have made a version.
    operation.blind = found === undefined && operation.version === NONE;
    return operation;
  }

  #compareAndSet(operation: RegisterOperation): RegisterOperation | null {
    const { source } = operation;
    const refused = source.accepted === false;
    if (refused && !operation.certain) return null;
    const value = source.expected === undefined ? NONE : this.values.intern(source.expected);
    const version = this.rankOf(source.expectedVersion);
    if (!refused) {
      operation.needs = value === NONE && version === VERSION_ABSENT ? ABSENT : value;
      operation.needsVersion = version;
      return this.#write(operation);
    }
    operation.refused = true;
    operation.refusedValue = value;
    operation.refusedVersion = version;
    operation.version = this.rankOf(source.version);
    if (source.found !== undefined) operation.needs = this.values.intern(source.found);
    else if (operation.version === VERSION_ABSENT) operation.needs = ABSENT;
    else operation.needsPresence = operation.version !== NONE;
    return operation;
  }

  #increment(operation: RegisterOperation): RegisterOperation {
    const { found, value, version } = operation.source;
    operation.changes = true;
    operation.by = BigInt(value ?? '1');
    if (!operation.certain) return operation;
    operation.version = this.rankOf(version);
    operation.makes = this.values.intern(found ?? null);
    return operation;
  }
}

/** Versions become their places in the sorted list of all versions of the key. */
function rankVersions(sources: readonly Operation[]): ReadonlyMap<string, number> {
  const versions = new Set<string>();
  for (const { version, expectedVersion } of sources) {
    if (version !== undefined) versions.add(version);
    if (expectedVersion !== undefined) versions.add(expectedVersion);
  }
  versions.delete('0');
  const ranks = new Map<string, number>([['0', VERSION_ABSENT]]);
  for (const version of [...versions].sort(compareDecimals)) ranks.set(version, ranks.size);
  return ranks;
}

/** A value whose time to live outlasts the last answer stays, as far as this history can tell. */
function keepUnexpired(operations: readonly RegisterOperation[], sources: readonly Operation[]): void {
  let end = Number.NEGATIVE_INFINITY;
  for (const { certain, ret } of sources) if (certain && ret > end) end = ret;
  for (const operation of operations) {
    if (operation.call + operation.lifetime > end) operation.lifetime = Number.POSITIVE_INFINITY;
  }
}

function signatureOf({ source, needs, makes, needsVersion, lifetime, by }: RegisterOperation): string {
  return [source.kind, needs, makes, needsVersion, lifetime, by].join(' ');
}

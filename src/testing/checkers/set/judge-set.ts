/**
 * Judges one set that only grows: `sadd` and `sread`. A read is right when the reads can be put in one order in which
 * each holds the one before, and every read holds all elements added before it and none added after.
 *
 * Reads of a growing set are ordered by inclusion, so the order is found by size. Each read gets the earliest moment it
 * can have happened: after its own call, after the reads it contains, after the calls of the additions it shows. Every
 * element added before that moment must be in it.
 */

import { nameOf, show } from '../describe.ts';
import { type Finding, Findings } from '../finding.ts';
import type { Operation } from '../history/operation.ts';
import { order } from '../prefix-best.ts';

interface Read {
  readonly operation: Operation;
  readonly elements: ReadonlySet<string>;
}

/** The additions of one element: the earliest call that can have added it, the earliest that surely had. */
interface Addition {
  earliest: Operation | null;
  done: Operation | null;
  /** An attempt that certainly had no effect. */
  failed: Operation | null;
}

/** @param operations sadd and sread of one key */
export function judgeSet(operations: readonly Operation[]): Finding | null {
  const findings = new Findings();
  const additions = collectAdditions(operations);
  const reads = operations
    .filter(({ kind, certain }) => kind === 'sread' && certain)
    .map((operation) => ({ operation, elements: new Set(operation.elements) }));
  for (const read of reads) checkProvenance(read, additions, findings);
  if (findings.best === null) {
    checkGrowth(
      reads.filter(({ operation }) => operation.level === 'lin'),
      additions,
      findings,
    );
  }
  return findings.best;
}

function collectAdditions(operations: readonly Operation[]): ReadonlyMap<string, Addition> {
  const additions = new Map<string, Addition>();
  for (const operation of operations) {
    if (operation.kind !== 'sadd') continue;
    const element = operation.value as string;
    const addition = additions.get(element) ?? { earliest: null, done: null, failed: null };
    additions.set(element, addition);
    if (operation.outcome === 'fail') addition.failed ??= operation;
    else if (addition.earliest === null || operation.call < addition.earliest.call) addition.earliest = operation;
    if (operation.certain && (addition.done === null || operation.ret < addition.done.ret)) addition.done = operation;
  }
  return additions;
}

function checkProvenance(read: Read, additions: ReadonlyMap<string, Addition>, findings: Findings): void {
  const { operation, elements } = read;
  if (elements.size < (operation.elements ?? []).length) {
    findings.add('doubled-write', [operation], `${nameOf(operation)} names an element twice.`);
  }
  for (const element of elements) {
    const { earliest, failed } = additions.get(element) ?? { earliest: null, failed: null };
    const what = `${nameOf(operation)} found ${show(element)}`;
    if (earliest !== null && earliest.call <= operation.ret) continue;
    if (earliest !== null) {
      findings.add(
        'future-read',
        [earliest, operation],
        `${what} and was answered before ${nameOf(earliest)} was sent.`,
      );
    } else if (failed !== null) {
      findings.add(
        'fail-took-effect',
        [failed, operation],
        `${what}, which only ${nameOf(failed)} added, and that had no effect.`,
      );
    } else findings.add('phantom-element', [operation], `${what}, which nobody added.`);
  }
}

function checkGrowth(reads: readonly Read[], additions: ReadonlyMap<string, Addition>, findings: Findings): void {
  const bySize = [...reads].sort(
    (a, b) => a.elements.size - b.elements.size || order(a.operation.call, b.operation.call),
  );
  const done = [...additions.values()].map(({ done }) => done).filter((add) => add !== null);
  done.sort((a, b) => order(a.ret, b.ret));
  let smaller: Read | null = null;
  // The operation whose call is the earliest moment for reads as large as the present one.
  let floor: Operation | null = null;
  for (const read of bySize) {
    if (smaller !== null) checkContains(read, smaller, findings);
    const latest = latestCall(read, floor, additions);
    if (latest.call > read.operation.ret) complainOfFloor(read, latest, findings);
    checkComplete(read, latest, done, findings);
    floor = latest;
    smaller = read;
  }
}

function checkContains(read: Read, smaller: Read, findings: Findings): void {
  for (const element of smaller.elements) {
    if (read.elements.has(element)) continue;
    const why = `${show(element)} is in ${nameOf(smaller.operation)} and not in ${nameOf(read.operation)}, which has others: neither can have come first.`;
    findings.add('vanished-element', [smaller.operation, read.operation], why);
    return;
  }
}

function latestCall(read: Read, floor: Operation | null, additions: ReadonlyMap<string, Addition>): Operation {
  let latest = floor === null || floor.call < read.operation.call ? read.operation : floor;
  for (const element of read.elements) {
    const earliest = additions.get(element)?.earliest;
    if (earliest && earliest.call > latest.call) latest = earliest;
  }
  return latest;
}

function complainOfFloor(read: Read, latest: Operation, findings: Findings): void {
  const why = `${nameOf(read.operation)} was answered before ${nameOf(latest)} was sent, and yet shows more, or no less.`;
  findings.add('vanished-element', [read.operation, latest], why);
}

/** Every element whose addition was done before the read can have happened is in it. */
function checkComplete(read: Read, latest: Operation, done: readonly Operation[], findings: Findings): void {
  for (const add of done) {
    if (add.ret >= latest.call) return;
    if (read.elements.has(add.value as string)) continue;
    const why = `${nameOf(add)} was acknowledged before ${nameOf(latest)} was sent, but ${show(add.value)} is missing from ${nameOf(read.operation)}.`;
    findings.add('lost-element', [add, latest, read.operation], why);
    return;
  }
}

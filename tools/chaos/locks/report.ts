/** What a run with locks came to: figures, and all that did not hold. */
import type { Incident } from '../injector.ts';
import type { Judgement } from '../judging.ts';
import { judgementFailures, type Outcome } from '../report.ts';
import type { Spread } from '../spread.ts';
import { count, milliseconds, percent, tableText, whole } from '../table.ts';
import type { LockFigures } from './figures.ts';
import { type Harmed, harmKinds } from './harms.ts';
import type { JournalNote } from './journal.ts';

export interface LocksReport {
  readonly planned: number;
  readonly incidents: readonly Incident[];
  readonly harmed: readonly Harmed[];
  readonly figures: LockFigures;
  readonly notes: readonly JournalNote[];
  readonly judgements: readonly Judgement[];
  /** In words, one for each: see witness.ts. */
  readonly letThrough: readonly string[];
  readonly miscounted: readonly string[];
  readonly tokensBack: readonly string[];
  readonly sections: { readonly acknowledged: number; readonly unknown: number };
  /** Of nodes and of programs. */
  readonly complaints: readonly string[];
}

export function locksOutcome(report: LocksReport): Outcome {
  const blocks = [
    harmTable(report),
    grantLines(report.figures),
    lossLines(report),
    lateLines(report.figures),
    proof(report),
  ];
  return { title: 'locks', text: blocks.join('\n\n'), failures: failuresOf(report) };
}

function failuresOf(report: LocksReport): string[] {
  const { planned, incidents, figures, notes, judgements } = report;
  const left = planned - incidents.length;
  const stuck = incidents.filter(({ obstacle }) => obstacle !== null);
  const bugs = notes.filter(({ what }) => what === 'bug');
  return [
    ...judgementFailures(judgements),
    ...report.letThrough,
    ...report.miscounted,
    ...report.tokensBack,
    ...(figures.grants === 0 ? ['no lock was granted: nothing was tried'] : []),
    ...(figures.late.refused === 0 ? ["no paused holder's late write was refused: nothing was tried"] : []),
    ...(left > 0 ? [`${count(left, 'fault')} of ${planned} did not come in the time there was`] : []),
    ...stuck.map(({ kind, node, obstacle }) => `not whole in time after a ${kind} at ${node}: ${obstacle}`),
    ...bugs.map(({ p, code, message }) => `${p}: ${code} ${message}`),
    ...report.complaints,
  ];
}

function harmTable({ harmed, incidents }: LocksReport): string {
  const heads = ['done to programs', 'count', 'longest ms', 'in leases'];
  const rows = harmKinds.map((kind) => {
    const those = harmed.filter((harm) => harm.kind === kind);
    const lengths = those.map(({ fromNs, untilNs, leaseMs }) => ({ ms: (untilNs - fromNs) / 1e6, leaseMs }));
    const ms = Math.max(0, ...lengths.map((length) => length.ms));
    const leases = Math.max(0, ...lengths.map((length) => length.ms / length.leaseMs));
    return kind === 'kill'
      ? [kind, whole(those.length), '', '']
      : [kind, whole(those.length), whole(ms), leases.toFixed(1)];
  });
  const kinds = [...new Set(incidents.map(({ kind }) => kind))].sort();
  const counts = kinds.map((kind) => `${kind} ${incidents.filter((incident) => incident.kind === kind).length}`);
  return `${tableText(heads, rows)}\ndone to nodes: ${counts.join(', ') || 'nothing'}`;
}

function grantLines({ grants, afterWait, afterExpiry, waitsMs, perLoop, ...rest }: LockFigures): string {
  const { afterKillMs, afterKillLeases } = rest;
  return [
    `grants: ${whole(grants)}; after waiting for another holder: ${whole(afterWait)} (${percent(afterWait, grants)}); ` +
      `after the lease of the holder before: ${whole(afterExpiry)}`,
    `waits of programs left alone meanwhile: ${spreadText(waitsMs)} (${whole(waitsMs.count)})`,
    `after kill −9 of a holder, until who waited was granted its lock: ${spreadText(afterKillMs)} (${whole(afterKillMs.count)}); ` +
      `in leases of the holder p50 ${inLeases(afterKillLeases.p50)}, p99 ${inLeases(afterKillLeases.p99)}`,
    `grants of a loop: ${whole(perLoop.min)} to ${whole(perLoop.max)}, of ${count(perLoop.loops, 'loop')}`,
  ].join('\n');
}

function inLeases(leases: number): string {
  return Number.isNaN(leases) ? '–' : leases.toFixed(2);
}

function spreadText({ p50, p99, max }: Spread): string {
  return `p50 ${milliseconds(p50)} ms, p99 ${milliseconds(p99)} ms, longest ${milliseconds(max)} ms`;
}

function lossLines({ notes }: LocksReport): string {
  const byCode = (what: JournalNote['what']): string => {
    const those = notes.filter((note) => note.what === what);
    const codes = [...new Set(those.map(({ code }) => code))].sort();
    const counts = codes.map((code) => `${code} ${whole(those.filter((note) => note.code === code).length)}`);
    return counts.join(', ') || 'none';
  };
  return `locks lost, by cause: ${byCode('lost')}\nwaits told that they were over before their time: ${byCode('early')}\nrequests that failed: ${byCode('error')}`;
}

function lateLines({ holdersPaused, longestPauseLeases, late }: LockFigures): string {
  return (
    `holders paused: ${whole(holdersPaused)}, the longest for ${longestPauseLeases.toFixed(1)} leases; a paused holder's late write is ` +
    `refused: ${whole(late.refused)}, accepted for the lock was its own still: ${whole(late.accepted)}, not answered: ${whole(late.unanswered)}`
  );
}

function proof({ judgements, letThrough, miscounted, tokensBack, sections }: LocksReport): string {
  const violations = judgements.flatMap((judgement) => judgement.violations);
  const broken = (rule: string): number => violations.filter((text) => text.endsWith(`: ${rule}`)).length;
  return [
    `locks granted twice: ${broken('two-holders') + broken('renew-not-held')}; tokens that went back: ` +
      `${broken('token-back') + broken('token-reused') + tokensBack.length}; fenced writes let through: ${broken('fence-broken') + letThrough.length}`,
    `sections counted under their locks: ${whole(sections.acknowledged)}, and ${whole(sections.unknown)} that nobody knows of; ` +
      `counters that do not agree: ${miscounted.length}`,
    `history: ${judgements.map(({ verdict }) => verdict).join(', ')}, violations ${violations.length}`,
  ].join('\n');
}

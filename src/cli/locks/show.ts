/** `keyval locks show` and `why`: everything of one lock, and how it was lost. */
import type { LockHolder, LockInfo, LockState, LockWaiter } from '../../client/lock-admin.ts';
import { ExitCode } from '../../errors.ts';
import { systemClock } from '../../io/clock.ts';
import type { Action } from '../cluster/action.ts';
import { keyField, keyOf } from '../shared/key.ts';
import { type Document, printResult, printResults } from '../shared/output.ts';
import { table } from '../shared/table.ts';
import {
  flowText,
  holderName,
  keyText,
  leaseText,
  lockDocument,
  lossDocument,
  lossText,
  shownText,
  timeText,
} from './text.ts';

export const showAction: Action = {
  name: 'show',
  synopsis: 'show KEY',
  summary:
    'everything of one lock: who holds it, who waits in which order, how it was lost; exit code 3 when nobody holds it',
  options: ['base64-key'],
  takesOperand: true,
  async run({ client, values, format, operand }) {
    const state = await client.admin().lock(keyOf(operand, values));
    const nowMs = systemClock.unixMs();
    await printResult(format, stateDocument(state, nowMs), showText(state, nowMs));
    return state.lock === null ? ExitCode.notFound : ExitCode.ok;
  },
};

export const whyAction: Action = {
  name: 'why',
  synopsis: 'why KEY',
  summary: 'why the lock was lost last, and by whom, newest first; exit code 3 when nothing is known',
  options: ['base64-key'],
  takesOperand: true,
  async run({ client, values, format, operand }) {
    const state = await client.admin().lock(keyOf(operand, values));
    const nowMs = systemClock.unixMs();
    const { key, partition, lossesKnownMs } = state;
    const lines = state.losses.map((loss) => lossDocument(loss, nowMs));
    const document = { ...keyField(key), partition, lossesKnownMs, losses: lines };
    await printResults(format, { document, lines, text: whyText(state, nowMs) });
    return state.losses.length === 0 ? ExitCode.notFound : ExitCode.ok;
  },
};

function stateDocument({ key, partition, lock, losses, lossesKnownMs }: LockState, nowMs: number): Document {
  return {
    ...keyField(key),
    partition,
    lock: lock === null ? null : lockDocument(lock),
    losses: losses.map((loss) => lossDocument(loss, nowMs)),
    lossesKnownMs,
  };
}

export function showText(state: LockState, nowMs: number): string {
  const { lock } = state;
  const head = `lock ${keyText(nameOf(state))}, partition ${state.partition}`;
  const paragraphs = lock === null ? [`${head}: nobody holds it`] : [head, holdersText(lock), waitersText(lock)];
  const losses = state.losses.length === 0 ? '' : `LOST BEFORE\n${whyText(state, nowMs)}`;
  return [...paragraphs, losses].filter((paragraph) => paragraph !== '').join('\n\n');
}

function nameOf({ key }: LockState): Pick<LockInfo, 'key' | 'keyBytes'> {
  return { key, keyBytes: 0 };
}

const HOLDER_HEADINGS = [
  'HOLDER',
  'MODE',
  'TOKEN',
  'HELD',
  'LEASE',
  'LEASE LEFT',
  'DELAY',
  'FLOW',
  'FROM',
  'SESSION',
  'LABEL',
];

export function holdersText({ holders, holderCount }: LockInfo): string {
  const more = holderCount - holders.length;
  return [table([HOLDER_HEADINGS, ...holders.map(holderRow)]), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

function holderRow(holder: LockHolder): string[] {
  const { mode, token, heldMs, leaseMs, delayMs, flow, from, session, label } = holder;
  return [
    holderName(holder),
    mode,
    `${token}`,
    timeText(heldMs),
    leaseMs === null ? '-' : timeText(leaseMs),
    leaseText(holder),
    delayMs === 0 ? '-' : timeText(delayMs),
    flowText(flow),
    from ?? '-',
    session === '' ? '-' : session,
    shownText(label),
  ];
}

const WAITER_HEADINGS = ['', 'WAITS', 'MODE', 'FOR', 'HOLDS TOKEN', 'FLOW', 'FROM', 'SESSION', 'LABEL'];

function waitersText({ waiters, waiterCount }: LockInfo): string {
  if (waiterCount === 0) return 'nobody waits';
  const more = waiterCount - waiters.length;
  return [
    table([WAITER_HEADINGS, ...waiters.map(waiterRow)]),
    ...(more > 0 ? [`and ${more} more: ${waiterCount} in all`] : []),
  ].join('\n');
}

function waiterRow({ name, mode, waitedMs, holds, flow, from, session, label }: LockWaiter, at: number): string[] {
  return [
    `${at + 1}.`,
    shownText(name),
    mode,
    timeText(waitedMs),
    holds === null ? '-' : `${holds}`,
    flowText(flow),
    from ?? '-',
    session,
    shownText(label),
  ];
}

export function whyText(state: LockState, nowMs: number): string {
  const known = `every loss in partition ${state.partition} is known for the last ${timeText(state.lossesKnownMs)}`;
  if (state.losses.length === 0) return `nothing is known of a loss of ${keyText(nameOf(state))}; ${known}`;
  return [...state.losses.map((loss) => lossText(loss, nowMs)), `(${known})`].join('\n');
}

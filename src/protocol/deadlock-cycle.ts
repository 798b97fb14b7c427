/**
 * The circle of waits that a KV_DEADLOCK is about: for people as a sentence, for programs as JSON. FAIL carries both: the
 * sentence, a byte 0, the JSON. Whoever does not look for the second part still has the first.
 */
import type { DeadlockStep } from '../errors.ts';

/** More are not shown. */
export const CYCLE_STEPS_MAX = 16;
/** Characters of a key or a name. */
const SHOWN_MAX = 100;
/** Longest JSON that is read. */
const JSON_BYTES_MAX: number = 64 * 1024;
/** Between the sentence and the JSON. */
const MARK = '\0';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A key or a name as people are shown it: cut, and on one line. */
export function shown(text: string): string {
  const plain = text.replaceAll(/\p{Cc}/gu, '\ufffd');
  return plain.length <= SHOWN_MAX ? plain : `${plain.slice(0, SHOWN_MAX - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** In words, beginning with whoever gets the error. */
export function describeCycle(cycle: readonly DeadlockStep[]): string {
  const waits = cycle.map(({ name, flow, key, mode, waitsMs, isBehind }, index) => {
    const next = cycle[(index + 1) % cycle.length] as DeadlockStep;
    const whom = index + 1 < CYCLE_STEPS_MAX ? `${next.name} (flow ${next.flow})` : 'somebody';
    const how = isBehind ? `behind ${whom}` : `held by ${whom}`;
    return `${name} (flow ${flow}) has waited ${(waitsMs / 1000).toFixed(1)} s for '${key}' (${mode}), ${how}`;
  });
  return `deadlock: ${waits.join('; ')}. The first of these waits has lasted least, and was ended: let go of what you hold, and try again`;
}

export function encodeCycle(cycle: readonly DeadlockStep[]): Uint8Array {
  return encoder.encode(JSON.stringify(cycle.slice(0, CYCLE_STEPS_MAX)));
}

/** Null: these bytes are no cycle. */
export function decodeCycle(bytes: Uint8Array): DeadlockStep[] | null {
  if (bytes.length > JSON_BYTES_MAX) return null;
  try {
    return cycleOf(JSON.parse(decoder.decode(bytes)));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
}

function cycleOf(value: unknown): DeadlockStep[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > CYCLE_STEPS_MAX) return null;
  const steps = value.map(stepOf);
  return steps.every((step) => step !== null) ? steps : null;
}

function stepOf(value: unknown): DeadlockStep | null {
  if (typeof value !== 'object' || value === null) return null;
  const { session, name, flow, key, mode, waitsMs, isBehind } = value as Record<string, unknown>;
  if (typeof session !== 'string' || typeof name !== 'string' || typeof key !== 'string') return null;
  if (typeof mode !== 'string' || typeof isBehind !== 'boolean') return null;
  if (typeof flow !== 'number' || typeof waitsMs !== 'number') return null;
  return { session, name: shown(name), flow, key: shown(key), mode, waitsMs, isBehind };
}

/** The text of FAIL. */
export function failText(cycle: readonly DeadlockStep[]): string {
  return `${describeCycle(cycle)}${MARK}${new TextDecoder().decode(encodeCycle(cycle))}`;
}

/** What `failText` was made of; without a cycle: undefined. */
export function splitFailText(text: string): { message: string; cycle: DeadlockStep[] | undefined } {
  const at = text.indexOf(MARK);
  if (at < 0) return { message: text, cycle: undefined };
  return { message: text.slice(0, at), cycle: decodeCycle(encoder.encode(text.slice(at + 1))) ?? undefined };
}

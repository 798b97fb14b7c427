/** What Linux counts of the time of all processors, since it was started. */
import { readFileSync } from 'node:fs';

/** USER_HZ: a hundred ticks a second on every port of Linux that Node.js runs on. */
const TICK_MS = 10;

export interface MachineTime {
  /** Spent on processes and on interrupts. */
  readonly busyMs: number;
  /** In which this machine, a guest, had work and the host ran something else. */
  readonly stolenMs: number;
}

/** Zeros on a system without /proc. */
export function machineTime(): MachineTime {
  try {
    return parseMachineTime(readFileSync('/proc/stat', 'utf8'));
  } catch {
    return { busyMs: 0, stolenMs: 0 };
  }
}

/** Of the text of /proc/stat. */
export function parseMachineTime(text: string): MachineTime {
  const [, ...fields] = (text.split('\n')[0] as string).trim().split(/\s+/).map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields;
  return { busyMs: (user + nice + system + irq + softirq) * TICK_MS, stolenMs: steal * TICK_MS };
}

/** What the process says of itself, for status, and how much memory it may have. */
import { totalmem } from 'node:os';

export function processFacts(): { pid: number; cpuMicros: number; residentBytes: number } {
  const { user, system } = process.cpuUsage();
  return { pid: process.pid, cpuMicros: user + system, residentBytes: process.memoryUsage.rss() };
}

/** Of the machine, or of the container around the process, when that has less. */
export function machineMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

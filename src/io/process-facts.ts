/** What the process says of itself, for status. */
export function processFacts(): { pid: number; cpuMicros: number; residentBytes: number } {
  const { user, system } = process.cpuUsage();
  return { pid: process.pid, cpuMicros: user + system, residentBytes: process.memoryUsage.rss() };
}

/** What came of a campaign, as tables for people. */
import type { Counters } from '../../src/testing/counters.ts';
import { expectedHappenings, type Happening } from '../../src/testing/counters.ts';
import { faultText, triedKinds } from '../../src/testing/faults.ts';
import type { RunResult } from '../../src/testing/scenario.ts';

/** Lines of the trace shown before a breach. */
const TRACE_LINES = 60;
/** From so many seeds on everything must have happened at least once. */
export const SEEDS_FOR_ALL = 100;

/** @param times how often each seed was run */
export function formatCounters(counters: Counters, cpuSeconds: number, times: number): string {
  const lines: string[] = [];
  const hours = counters.virtualMs / 3_600_000;
  const rate = Math.round((counters.events * times) / cpuSeconds);
  const speed = Math.round((counters.virtualMs * times) / 1000 / cpuSeconds);
  lines.push(
    `${counters.runs} seeds, ${hours.toFixed(2)} simulated hours, ${counters.operationCount} operations, ${counters.faultCount} faults, ${counters.events} events, each seed run ${times === 1 ? 'once' : 'twice'}`,
    `${cpuSeconds.toFixed(1)} s of processor time: ${rate} events and ${speed} simulated seconds per second`,
    '',
    'operation        ok      fail   unknown',
  );
  for (const [kind, { ok, fail, unknown }] of [...counters.operations].sort())
    lines.push(`${kind.padEnd(9)}${[ok, fail, unknown].map((count) => String(count).padStart(10)).join('')}`);
  lines.push('', 'error                    times');
  for (const [code, times] of [...counters.errors].sort())
    lines.push(`${code.padEnd(20)}${String(times).padStart(10)}`);
  lines.push('', 'fault                    times');
  for (const kind of triedKinds) lines.push(`${kind.padEnd(20)}${String(counters.faults[kind]).padStart(10)}`);
  lines.push('', 'what happened                                     times');
  for (const [name, text] of Object.entries(expectedHappenings) as [Happening, string][])
    lines.push(`${text.padEnd(45)}${String(counters.happened[name]).padStart(10)}`);
  return lines.join('\n');
}

/** A failing run: what broke, its faults, the end of its trace, and how to see it again. */
export function formatFailure(result: RunResult, replay: string): string {
  const { breach, cluster, load, faults, trace } = result;
  const about = `${cluster.nodes} nodes, ${cluster.partitions} partitions, ${cluster.replicas} replicas, ${load.clients} clients, lease ${load.leaseMs} ms`;
  return [
    `seed ${result.seed} broke '${breach?.rule}' at ${((breach?.atMs ?? 0) / 1000).toFixed(4)} s (${about})`,
    '',
    breach?.text ?? '',
    '',
    `faults: ${faults.length}`,
    ...faults.map((fault) => `  ${faultText(fault, cluster.nodes)}`),
    '',
    `the last ${Math.min(TRACE_LINES, trace.length)} lines of ${trace.length}:`,
    ...trace.slice(-TRACE_LINES).map((line) => line.slice(0, 300)),
    '',
    `again: ${replay}`,
  ].join('\n');
}

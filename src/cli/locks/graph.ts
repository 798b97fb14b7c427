/** `keyval locks graph`: who waits for whom, as text or for Graphviz. */
import { ExitCode } from '../../errors.ts';
import type { Action } from '../cluster/action.ts';
import { type Document, formatOf, printResults } from '../shared/output.ts';
import { note, print } from '../shared/streams.ts';
import { shortened, table } from '../shared/table.ts';
import { usage } from '../shared/values.ts';
import { missingDocument, missingLines, shownText, timeText } from './text.ts';
import { isCertain, type Owner, type Wait, type WaitGraph, waitGraph } from './wait-graph.ts';

export const graphAction: Action = {
  name: 'graph',
  synopsis: 'graph [--dot]',
  summary:
    'who waits for whom, circles marked; with --dot for Graphviz; exit code 1 when some nodes or partitions do not answer',
  options: ['dot'],
  takesOperand: false,
  check(values) {
    if (values.flag('dot') && values.isGiven('output') && formatOf(values) !== 'table')
      throw usage('--dot is for Graphviz: it does not go with --output');
  },
  async run({ client, values, format }) {
    const found = await client.admin().waitedLocks();
    const graph = waitGraph(found.locks);
    const lines = graph.waits.map((wait) => waitDocument(wait, graph));
    const cycles = graph.cycles.map((cycle) => ({ text: cycleText(cycle), isCertain: isCertain(cycle) }));
    if (values.flag('dot')) await print(dotText(graph));
    else
      await printResults(format, {
        document: { waits: lines, cycles, ...missingDocument(found) },
        lines,
        text: graphText(graph),
      });
    const missing = missingLines(found);
    for (const line of missing) note(line);
    return missing.length === 0 ? ExitCode.ok : ExitCode.error;
  },
};

function waitDocument({ from, to, ...wait }: Wait, graph: WaitGraph): Document {
  const cycle = cycleOf(graph, from, to);
  return { from: ownerDocument(from), to: ownerDocument(to), ...wait, cycle: cycle === 0 ? null : cycle };
}

function ownerDocument({ id, name, flow }: Owner): Document {
  return { id, name, flow };
}

/** Number of the circle that the edge between them is part of, from 1; 0: of none. */
function cycleOf({ cycles }: WaitGraph, from: Owner, to: Owner): number {
  return 1 + cycles.findIndex((cycle) => cycle.some((wait) => wait.from.id === from.id && wait.to.id === to.id));
}

const HEADINGS = ['WHO', 'WAITS FOR', 'LOCK', 'WANTED', 'HELD', 'SINCE', 'CYCLE'];

export function graphText(graph: WaitGraph): string {
  if (graph.waits.length === 0) return 'nobody waits for a lock';
  const rows = graph.waits.map(({ from, to, key, wanted, held, waitedMs }) => {
    const cycle = cycleOf(graph, from, to);
    const mark = cycle === 0 ? '-' : `${cycle}`;
    return [
      ownerText(from),
      ownerText(to),
      shortened(key),
      wanted,
      held ?? '(ahead in line)',
      timeText(waitedMs),
      mark,
    ];
  });
  const cycles = graph.cycles.map((cycle, at) => `cycle ${at + 1}: ${cycleText(cycle)}`);
  return [table([HEADINGS, ...rows]), ...(cycles.length === 0 ? [] : ['', ...cycles])].join('\n');
}

function ownerText({ name, flow }: Owner): string {
  if (name === '') return '(lock-delay)';
  return flow === 0 ? shownText(name) : `${shownText(name)} flow ${flow}`;
}

function cycleText(cycle: readonly Wait[]): string {
  const steps = cycle.map(({ from, key }) => `${ownerText(from)} → ${shortened(key)}`);
  const last = ownerText((cycle[0] as Wait).from);
  const doubt = isCertain(cycle) ? '' : ' (perhaps: not everybody says by flows what it does one after the other)';
  return `${[...steps, last].join(' → ')}${doubt}`;
}

/** https://graphviz.org/doc/info/lang.html */
export function dotText(graph: WaitGraph): string {
  const owners = new Map(graph.waits.flatMap(({ from, to }) => [from, to]).map((owner) => [owner.id, owner]));
  const inCycle = new Set(graph.cycles.flat().flatMap(({ from, to }) => [from.id, to.id]));
  const nodes = [...owners.values()].map(
    (owner) => `  ${quote(owner.id)} [label=${quote(ownerText(owner))}${inCycle.has(owner.id) ? ', color=red' : ''}];`,
  );
  const edges = graph.waits.map(({ from, to, key, wanted, held, waitedMs }) => {
    const label = `${shortened(key)}: ${wanted}, ${timeText(waitedMs)}`;
    const style = held === null ? ', style=dashed' : '';
    const mark = cycleOf(graph, from, to) === 0 ? '' : ', color=red, penwidth=2';
    return `  ${quote(from.id)} -> ${quote(to.id)} [label=${quote(label)}${style}${mark}];`;
  });
  return ['digraph locks {', '  rankdir=LR;', '  node [shape=box];', ...nodes, ...edges, '}', ''].join('\n');
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** `keyval status`: every node of the cluster and what it says of itself. */
import type { ClusterStatus, NodeFacts, NodeStatus } from '../../client/cluster-status.ts';
import { ExitCode } from '../../errors.ts';
import type { StatusAnswer } from '../../protocol/cluster-facts.ts';
import type { SpreadMs } from '../../protocol/node-facts.ts';
import { bestView, canLoseText, NO_COMMANDER } from '../cluster/status.ts';
import type { Command } from '../shared/command.ts';
import { withClient } from '../shared/connection.ts';
import { type Document, formatOf, printResults } from '../shared/output.ts';
import { bytesText, spanText, table } from '../shared/table.ts';

const VOLATILE = 'Keys live in memory: stopping all nodes loses them.';

export const status: Command = {
  name: 'status',
  operands: [],
  summary: 'show every node: state, keys, locks, sessions, memory, partitions',
  details:
    'Exit code 0 when every partition takes writes, otherwise 5. Keys, locks and sessions are counted at the primary.',
  options: {},
  examples: [
    ['keyval status', 'a table for people'],
    ['keyval status --output json', 'everything the nodes tell'],
  ],
  async run({ values }) {
    const format = formatOf(values);
    const [found, views] = await withClient(values, (client) => Promise.all([client.status(), client.admin().views()]));
    const best = bestView(views);
    const partitions = partitionsOf(found);
    const keptIn = 'memory';
    const document = { cluster: found.cluster, ...standing(best), nodes: found.nodes, partitions, keptIn };
    const text = statusText(found, best);
    await printResults(format, { document, lines: found.nodes.map((node) => ({ ...node })), text });
    return partitions.serving === partitions.total ? ExitCode.ok : ExitCode.noQuorum;
  },
};

type UpNode = Extract<NodeStatus, { state: 'up' }>;

function upNodes({ nodes }: ClusterStatus): UpNode[] {
  return nodes.filter((node) => node.state === 'up');
}

/** Partitions of the cluster, and those whose primary is there and takes writes. A cluster that nobody speaks for serves none. */
function partitionsOf(found: ClusterStatus): { total: number; serving: number } {
  const up = upNodes(found);
  const total = Math.max(1, ...up.map(({ partitions }) => partitions.total));
  return { total, serving: up.reduce((sum, { partitions }) => sum + partitions.serving, 0) };
}

/** Who commands, and what the cluster can stand; null: nobody says. */
function standing(best: StatusAnswer | null): Document {
  const { canLose = null, goesOnWithout = null } = best?.cluster ?? {};
  return { commander: best?.node.commander || null, canLose, goesOnWithout };
}

function standingText(best: StatusAnswer | null): string {
  if (best === null) return '';
  const { node, cluster } = best;
  if (cluster === null)
    return `\nno cluster yet${node.waitsFor === '' ? '' : `: ${node.address} waits for ${node.waitsFor}`}`;
  if (node.commander === '') return `\n${NO_COMMANDER}; see keyval cluster status`;
  return `\ncommander ${node.commander}; ${canLoseText(cluster)}`;
}

export function statusText(found: ClusterStatus, best: StatusAnswer | null = null): string {
  const { total, serving } = partitionsOf(found);
  const up = upNodes(found).length;
  const count = `${found.nodes.length} ${found.nodes.length === 1 ? 'node' : 'nodes'}`;
  const first = `cluster ${found.cluster}: ${count}, ${up} up; ${serving} of ${total} partitions take writes`;
  const headline = `${first}${standingText(best)}`;
  const problems = found.nodes.map(problemOf).filter((line) => line !== null);
  const workers = upNodes(found).map(workersOf);
  const nodes = table([HEADINGS, ...found.nodes.map(rowOf)]);
  const paragraphs = [headline, nodes, workers.join('\n'), problems.join('\n'), VOLATILE];
  return paragraphs.filter((paragraph) => paragraph !== '').join('\n\n');
}

const HEADINGS = [
  'NODE',
  'STATE',
  'KEYS',
  'LOCKS',
  'WAITERS',
  'SESSIONS',
  'CLIENTS',
  'MEMORY',
  'PARTITIONS',
  'UPTIME',
  'VERSION',
];

function rowOf(node: NodeStatus): string[] {
  if (node.state === 'down') return [node.endpoint, 'down', ...HEADINGS.slice(2).map(() => '-')];
  const { primary, serving } = node.partitions;
  return [
    node.endpoint,
    'up',
    ...[node.keys, node.locks, node.waiters, node.sessions, node.connections].map(String),
    memoryText(node),
    `${serving} of ${primary} serving`,
    spanText(node.uptimeMs),
    node.version,
  ];
}

function memoryText({ memory }: NodeFacts): string {
  const used = bytesText(memory.usedBytes);
  return memory.maxBytes === 0 ? used : `${used} of ${bytesText(memory.maxBytes)}`;
}

/** What its worker threads have done; tasks on the main thread are not timed. */
function workersOf({ endpoint, workers }: UpNode): string {
  if (workers === undefined) return `${endpoint}: of an older version, which has no worker threads`;
  const { threads, threadsMax, tasks, failed, refused, inline, queued, queueMs, runMs } = workers;
  if (threadsMax === 0) return `${endpoint}: no worker threads; ${inline} bulk tasks on the main thread`;
  const troubles = [failed > 0 ? `, ${failed} failed` : '', refused > 0 ? `, ${refused} refused` : ''].join('');
  if (tasks === 0 && troubles === '') {
    return `${endpoint}: worker threads at rest, at most ${threadsMax}; ${inline} bulk tasks on the main thread`;
  }
  const counts = `${threads} of ${threadsMax} worker threads up; ${tasks} tasks${troubles}, ${inline} on the main thread`;
  if (tasks === 0) return `${endpoint}: ${counts}`;
  return `${endpoint}: ${counts}; ${queued} queued; waited ${spreadText(queueMs)}; ran ${spreadText(runMs)}`;
}

function spreadText({ p50, p99, max }: SpreadMs): string {
  return `${p50.toFixed(1)} ms (p99 ${p99.toFixed(1)}, max ${max.toFixed(1)})`;
}

/** Why a node is down or does not take writes; null when all is well. */
function problemOf(node: NodeStatus): string | null {
  if (node.state === 'down') return `${node.endpoint} is down: ${node.error.code}: ${node.error.message}`;
  return node.obstacle === null ? null : `${node.endpoint} does not take all writes: ${node.obstacle}`;
}

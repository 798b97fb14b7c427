/** `keyval check`: do all replicas hold the same? */
import type { PartitionCheck } from '../../client/check.ts';
import { ExitCode } from '../../errors.ts';
import type { Command } from '../shared/command.ts';
import { withClient } from '../shared/connection.ts';
import { type Document, formatOf, printResults } from '../shared/output.ts';
import { unlessReaderGone } from '../shared/streams.ts';
import { table } from '../shared/table.ts';

export const check: Command = {
  name: 'check',
  operands: [],
  summary: 'compare the replicas of every partition',
  details: `Each partition is compared at one committed operation while writes go on: a digest of all keys, values, revisions and times to
live. Exit code 0 when all are the same, 1 when some differ, 5 when some could not be compared.`,
  options: {},
  examples: [
    ['keyval check', 'what differs, or that nothing does'],
    ['keyval check --output json', 'every partition with the digests of its replicas'],
  ],
  async run({ values }) {
    const format = formatOf(values);
    const checks: PartitionCheck[] = [];
    await withClient(values, async (client) => {
      for await (const one of client.check()) checks.push(one);
    });
    const counts = { same: count(checks, 'same'), differ: count(checks, 'differs'), unknown: count(checks, 'unknown') };
    const document = { ...counts, partitions: checks.map(documentOf) };
    const lines = checks.map(documentOf);
    await unlessReaderGone(printResults(format, { document, lines, text: checkText(checks) }));
    if (counts.differ > 0) return ExitCode.error;
    return counts.unknown > 0 ? ExitCode.noQuorum : ExitCode.ok;
  },
};

function count(checks: readonly PartitionCheck[], verdict: PartitionCheck['verdict']): number {
  return checks.filter((one) => one.verdict === verdict).length;
}

function documentOf({ partition, verdict, revision, replicas, reason }: PartitionCheck): Document {
  return { partition, verdict, revision: `${revision}`, replicas, reason };
}

export function checkText(checks: readonly PartitionCheck[]): string {
  const same = checks.filter(({ verdict }) => verdict === 'same');
  const keys = same.reduce((sum, { replicas }) => sum + (replicas[0]?.keys ?? 0), 0);
  const differ = checks.filter(({ verdict }) => verdict === 'differs');
  const unknown = checks.filter(({ verdict }) => verdict === 'unknown');
  const headline = `${checks.length} partitions: ${same.length} the same on ${replicaText(same)} with ${keys} keys, ${count(checks, 'differs')} differ, ${count(checks, 'unknown')} could not be compared`;
  const tables: string[] = [];
  if (differ.length > 0) tables.push(table([HEADINGS, ...differ.flatMap(rowsOf)]));
  if (unknown.length > 0) tables.push(table([REASON_HEADINGS, ...reasonRowsOf(unknown)]));
  return [headline, ...tables].join('\n\n');
}

function replicaText(checks: readonly PartitionCheck[]): string {
  const counts = [...new Set(checks.map(({ replicas }) => replicas.length))].sort();
  if (counts.length === 0) return 'their replicas';
  return counts.length === 1 && counts[0] === 1 ? '1 replica' : `${counts.join(' to ')} replicas`;
}

const HEADINGS = ['PARTITION', 'VERDICT', 'NODE', 'KEYS', 'DIGEST'];

function rowsOf({ partition, verdict, replicas }: PartitionCheck): string[][] {
  return replicas.map(({ node, primary, keys, digest }) => [
    `${partition}`,
    verdict,
    primary ? `${node} (primary)` : node,
    `${keys}`,
    digest,
  ]);
}

const REASON_HEADINGS = ['NOT COMPARED', 'FOR EXAMPLE', 'REASON'];

/** A code that the message names, too. */
const DOUBLED: RegExp = /KV_RESTARTED: (?=KV_RESTARTED: )/g;

/** A line for each reason: of one node that is gone, hundreds of partitions tell the same. */
function reasonRowsOf(checks: readonly PartitionCheck[]): string[][] {
  const groups = new Map<string, { readonly text: string; readonly example: number; count: number }>();
  for (const { partition, replicas, reason } of checks) {
    const clauses = (reason ?? '').replaceAll(`partition ${partition}: `, '').replaceAll(DOUBLED, '').split('; ');
    if (replicas.length > 1) clauses.push(`the other ${replicas.length} are the same`);
    const key = [...clauses].sort().join(); // each primary tells of its backups in its own order
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { text: clauses.join('; '), example: partition, count: 1 });
    else group.count += 1;
  }
  return [...groups.values()].map(({ text, example, count }) => [
    `${count} ${count === 1 ? 'partition' : 'partitions'}`,
    `${example}`,
    text,
  ]);
}

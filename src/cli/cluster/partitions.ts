/** `keyval cluster partitions`: who keeps which partition. */
import { ExitCode } from '../../errors.ts';
import type { PartitionFacts } from '../../protocol/cluster-facts.ts';
import { printResults } from '../shared/output.ts';
import { table } from '../shared/table.ts';
import type { Action } from './action.ts';
import { momentText, orDash } from './text.ts';

export const partitionsAction: Action = {
  name: 'partitions',
  synopsis: 'partitions [--of ADDRESS] [--lost]',
  summary: 'every partition with its primary, its in-sync members and those that are to keep it',
  options: ['of', 'lost'],
  takesOperand: false,
  async run({ client, values, format }) {
    const of = values.text('of');
    const isLost = values.flag('lost');
    const partitions = await client.admin().partitions({ ...(of === undefined ? {} : { of }), lost: isLost });
    const lines = partitions.map((partition) => ({ ...partition }));
    await printResults(format, { document: { partitions }, lines, text: partitionsText(partitions) });
    return ExitCode.ok;
  },
};

const HEADINGS = ['PARTITION', 'STATE', 'EPOCH', 'VERSION', 'PRIMARY', 'IN SYNC', 'ELIGIBLE', 'TARGET'];

export function partitionsText(partitions: readonly PartitionFacts[]): string {
  if (partitions.length === 0) return 'no partition is like that';
  return [table([HEADINGS, ...partitions.map(rowOf)]), lostText(partitions)].filter((text) => text !== '').join('\n\n');
}

function rowOf({ partition, state, epoch, version, primary, inSync, eligible, target }: PartitionFacts): string[] {
  const lists = [inSync, eligible, target].map((addresses) => orDash(addresses.join(' ')));
  return [`${partition}`, state, `${epoch}`, `${version}`, primary ?? '-', ...lists];
}

function lostText(partitions: readonly PartitionFacts[]): string {
  return partitions
    .flatMap(({ partition, lost }) =>
      lost === null
        ? []
        : [
            `partition ${partition}: every copy is gone since ${momentText(lost.sinceMs)}; it was kept by ${lost.keepers.join(', ')}`,
          ],
    )
    .join('\n');
}

/** `keyval cluster members`: who belongs to the cluster, the longest-lived first. */
import { ExitCode } from '../../errors.ts';
import type { MemberFacts } from '../../protocol/cluster-facts.ts';
import { printResults } from '../shared/output.ts';
import { table } from '../shared/table.ts';
import type { Action } from './action.ts';
import { orDash } from './text.ts';

export const membersAction: Action = {
  name: 'members',
  synopsis: 'members',
  summary: 'every member with its place, zone, health and partitions; the longest-lived first',
  options: [],
  takesOperand: false,
  async run({ client, format }) {
    const { bookVersion, members } = await client.admin().members();
    const lines = members.map((member) => ({ ...member }));
    await printResults(format, { document: { bookVersion, members }, lines, text: membersText(members) });
    return ExitCode.ok;
  },
};

const HEADINGS = [
  'SLOT',
  'ADDRESS',
  'ZONE',
  'ROLE',
  'HEALTH',
  'RAFT',
  'PRIMARIES',
  'IN SYNC',
  'LEARNING',
  'INCARNATION',
];

export function membersText(members: readonly MemberFacts[]): string {
  return table([HEADINGS, ...members.map(rowOf)]);
}

function rowOf(member: MemberFacts): string[] {
  const { slot, address, zone, role, health, incarnation, isCommander, isVoter, primaries, replicas, learning } =
    member;
  const raft = isCommander ? 'commander' : isVoter ? 'voter' : 'learner';
  const counts = role === 'witness' ? ['-', '-', '-'] : [primaries, replicas, learning].map(String);
  return [`${slot}`, address, orDash(zone), role, health, raft, ...counts, incarnation];
}

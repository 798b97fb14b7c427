/** Who leads what at this moment, as the nodes themselves say. */
import type { StatusAnswer } from '../../src/protocol/cluster-facts.ts';
import type { Operator } from './operator.ts';

export interface WhoIsWho {
  /** By partition: the address of its primary; null: none. */
  readonly primaries: readonly (string | null)[];
  /** The address of the commander; null: none known. */
  readonly commander: string | null;
  /** Tells one founding from another; null: no node knows a cluster. */
  readonly identity: string | null;
}

/** What this needs of an operator. */
export type Asked = Pick<Operator, 'status' | 'partitions'>;

/** Asks all nodes; the one with the newest copy of the book counts. Never rejects: what nobody knows is not there. */
export async function whoIsWho(operators: readonly Asked[]): Promise<WhoIsWho> {
  const answers = await Promise.all(operators.map((operator) => operator.status()));
  const versions = answers.map((answer) => (typeof answer === 'string' ? -1 : (answer.cluster?.bookVersion ?? 0)));
  const newest = versions.indexOf(Math.max(...versions));
  const answer = answers[newest];
  const cluster = typeof answer === 'object' ? answer.cluster : null;
  const partitions = cluster === null ? [] : await (operators[newest] as Asked).partitions();
  return {
    primaries: partitions.map(({ primary }) => primary),
    commander: commanderIn(answers.filter((one) => typeof one !== 'string')),
    identity: cluster === null ? null : `${cluster.id} of ${cluster.foundedAtMs}`,
  };
}

/** Why it is not so that all nodes are there, agree, and hold all that they should; null: it is so. */
export async function obstacleOf(operators: readonly Asked[]): Promise<string | null> {
  const answers = await Promise.all(operators.map((operator) => operator.status()));
  return answers.find((answer) => typeof answer === 'string') ?? obstacleIn(answers as readonly StatusAnswer[]);
}

/** Of the highest term that any node has heard of. */
function commanderIn(answers: readonly StatusAnswer[]): string | null {
  const named = answers.filter(({ node }) => node.commander !== '');
  const [latest] = named.toSorted((one, other) => other.node.term - one.node.term);
  return latest?.node.commander ?? null;
}

function obstacleIn(answers: readonly StatusAnswer[]): string | null {
  const commander = commanderIn(answers);
  if (commander === null) return 'there is no commander';
  for (const { node, cluster } of answers) {
    if (cluster === null || node.state !== 'member') return `${node.address} is ${node.state}: ${node.waitsFor}`;
    if (node.commander !== commander) return `${node.address} follows ${node.commander || 'nobody'}, not ${commander}`;
    const { members, partitions } = cluster;
    if (members.up !== answers.length) return `${node.address} knows of ${members.up} members that are up`;
    if (partitions.ok !== partitions.total) return `${node.address}: ${partitionsText(partitions)}`;
  }
  return null;
}

type PartitionCounts = NonNullable<StatusAnswer['cluster']>['partitions'];

function partitionsText({ total, incomplete, belowMin, withoutPrimary, lost }: PartitionCounts): string {
  const states = `${incomplete} incomplete, ${belowMin} below min, ${withoutPrimary} without primary, ${lost} lost`;
  return `of ${total} partitions ${states}`;
}

/** Partitions whose primary is `address`. */
export function partitionsOf({ primaries }: WhoIsWho, address: string): number[] {
  return [...primaries.keys()].filter((partition) => primaries[partition] === address);
}

/** `keyval cluster status`: is there a cluster, who commands it, what is amiss, and what it can stand. */
import type { ClusterView } from '../../client/cluster-admin.ts';
import { ExitCode } from '../../errors.ts';
import type { ClusterSummary, StatusAnswer } from '../../protocol/cluster-facts.ts';
import { printResults } from '../shared/output.ts';
import { table } from '../shared/table.ts';
import type { Action } from './action.ts';
import { counted, momentText, nonZero, orDash } from './text.ts';

export const statusAction: Action = {
  name: 'status',
  synopsis: 'status',
  summary:
    'who commands, how many members and partitions are well, how many nodes can be lost; exit code 5 when not all partitions take writes',
  options: [],
  takesOperand: false,
  async run({ client, format }) {
    const views = await client.admin().views();
    const best = bestView(views);
    const cluster = best?.cluster ?? null;
    const commander = best?.node.commander ?? '';
    const nodes = views.map(documentOf);
    await printResults(format, { document: { commander, cluster, nodes }, lines: nodes, text: statusText(views) });
    return cluster !== null && commander !== '' && takesWrites(cluster) ? ExitCode.ok : ExitCode.noQuorum;
  },
};

function documentOf(view: ClusterView): Record<string, unknown> {
  if ('answer' in view) return { endpoint: view.endpoint, ...view.answer.node };
  return { endpoint: view.endpoint, error: { code: view.error.code, message: view.error.message } };
}

/** Of the node that knows most: one with a commander before one without, then the newest book. Null: none answers. */
export function bestView(views: readonly ClusterView[]): StatusAnswer | null {
  const answers = views.flatMap((view) => ('answer' in view ? [view.answer] : []));
  const rank = ({ node }: StatusAnswer): number =>
    node.bookVersion + (node.commander === '' ? 0 : Number.MAX_SAFE_INTEGER / 2);
  return answers.reduce<StatusAnswer | null>(
    (best, one) => (best === null || rank(one) > rank(best) ? one : best),
    null,
  );
}

function takesWrites({ partitions }: ClusterSummary): boolean {
  return partitions.belowMin + partitions.withoutPrimary + partitions.lost === 0;
}

export const NO_COMMANDER = 'no commander: a majority of the voters is not there';

/** `can lose 1 node and go on, 2 without losing a key` */
export function canLoseText({ canLose, goesOnWithout }: Pick<ClusterSummary, 'canLose' | 'goesOnWithout'>): string {
  return `can lose ${counted(goesOnWithout, 'node')} and go on, ${canLose} without losing a key`;
}

export function statusText(views: readonly ClusterView[]): string {
  const best = bestView(views);
  const paragraphs = [headline(best), table([HEADINGS, ...views.map(rowOf)]), problemsText(views)];
  return paragraphs.filter((paragraph) => paragraph !== '').join('\n\n');
}

function headline(best: StatusAnswer | null): string {
  if (best === null) return 'no node answers';
  const { node, cluster } = best;
  if (cluster === null)
    return `no cluster yet: ${node.address} is ${node.state}${node.waitsFor === '' ? '' : `, waits for ${node.waitsFor}`}`;
  const { members, partitions, settings, voters } = cluster;
  const others = nonZero([
    [members.down, 'down'],
    [members.leaving, 'leaving'],
    [members.witnesses, members.witnesses === 1 ? 'witness' : 'witnesses'],
  ]);
  const amiss = nonZero([
    [partitions.incomplete, 'short of copies'],
    [partitions.belowMin, 'below min'],
    [partitions.withoutPrimary, 'without primary'],
    [partitions.lost, 'lost'],
  ]);
  const lines = [
    `cluster ${cluster.name} (${cluster.id}), founded ${momentText(cluster.foundedAtMs)}, book version ${cluster.bookVersion}`,
    node.commander === '' ? LEADERLESS : `commander ${node.commander}`,
    `voters ${voters.join(', ')}`,
    `${counted(members.total, 'member')}: ${members.up} up${others === '' ? '' : `, ${others}`}`,
    `${counted(partitions.total, 'partition')}: ${partitions.ok} ok${amiss === '' ? '' : `, ${amiss}`} (${settings.replicas} copies, min ${settings.min})`,
  ];
  if (node.commander !== '') lines.push(canLoseText(cluster));
  return lines.join('\n');
}

/** What the book says was decided while there was a commander: it names nobody down who has gone since. */
const LEADERLESS = `${NO_COMMANDER}. Start them again; if they are lost for good: keyval cluster reform\nas it was when there was one:`;

const HEADINGS = ['NODE', 'STATE', 'RAFT', 'TERM', 'LOG', 'BOOK', 'COMMANDER', 'DIRECTORY'];

function rowOf(view: ClusterView): string[] {
  if ('error' in view) return [view.endpoint, 'silent', ...HEADINGS.slice(2).map(() => '-')];
  const { state, role, term, lastIndex, bookVersion, commander, directory } = view.answer.node;
  return [
    view.endpoint,
    state,
    role,
    `${term}`,
    `${lastIndex}`,
    `${bookVersion}`,
    orDash(commander),
    orDash(directory),
  ];
}

function problemsText(views: readonly ClusterView[]): string {
  return views
    .flatMap((view) => {
      if ('error' in view) return [`${view.endpoint} does not answer: ${view.error.code}: ${view.error.message}`];
      const { waitsFor, state } = view.answer.node;
      return waitsFor === '' ? [] : [`${view.endpoint} is ${state}: it waits for ${waitsFor}`];
    })
    .join('\n');
}

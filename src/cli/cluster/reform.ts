/** `keyval cluster reform`: goes on with one voter when the majority of voters is gone for good (R9). */
import type { ClusterView } from '../../client/cluster-admin.ts';
import { ExitCode } from '../../errors.ts';
import type { NodeInCluster } from '../../protocol/cluster-facts.ts';
import { printResult } from '../shared/output.ts';
import { usage } from '../shared/values.ts';
import type { Action } from './action.ts';

export const reformAction: Action = {
  name: 'reform',
  synopsis: 'reform [ADDRESS] [--yes]',
  summary:
    'when the majority of the voters is gone for good: make one node, by default the one whose log is longest, the only voter; without --yes only says what that means',
  options: ['yes'],
  takesOperand: true,
  async run({ client, values, format, operand }) {
    const admin = client.admin();
    const chosen = operand === '' ? longestLog(await admin.views()) : operand;
    const isTrial = !values.flag('yes');
    const { steps, obstacle, isBegun } = await admin.reform(chosen, isTrial);
    const trial = `Nothing was done. ${obstacle === null ? 'To do it, add --yes.' : `It cannot be done now: ${obstacle}.`}`;
    const end = isBegun ? `${chosen} reforms the cluster now.` : trial;
    await printResult(format, { node: chosen, steps, obstacle, isBegun }, [...steps, '', end].join('\n'));
    return ExitCode.ok;
  },
};

/** The last term decides, then the last entry: what was committed is most likely there. @throws KeyvalError KV_USAGE */
export function longestLog(views: readonly ClusterView[]): string {
  const keepers = views.flatMap((view) =>
    'answer' in view && view.answer.cluster !== null && view.answer.node.directory !== '' ? [view.answer.node] : [],
  );
  const [first, ...rest] = keepers;
  if (first === undefined) throw usage('no node that answers keeps the state of a cluster; there is nothing to reform');
  return rest.reduce((best, one) => (isLonger(one, best) ? one : best), first).address;
}

function isLonger(one: NodeInCluster, other: NodeInCluster): boolean {
  return one.lastTerm === other.lastTerm ? one.lastIndex > other.lastIndex : one.lastTerm > other.lastTerm;
}

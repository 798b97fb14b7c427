/** `keyval cluster ACTION`: the cluster as operators see it, and what they may ask of it. */
import type { Action } from '../cluster/action.ts';
import { membersAction } from '../cluster/members.ts';
import { partitionsAction } from '../cluster/partitions.ts';
import { reformAction } from '../cluster/reform.ts';
import { statusAction } from '../cluster/status.ts';
import { transferAction } from '../cluster/transfer.ts';
import { chosenAction } from '../shared/action-command.ts';
import type { Command } from '../shared/command.ts';
import { flag, type OptionTable, valued } from '../shared/command-line.ts';
import { withClient } from '../shared/connection.ts';
import { formatOf } from '../shared/output.ts';

export const actions: readonly Action[] = [statusAction, membersAction, partitionsAction, transferAction, reformAction];

const names: readonly string[] = actions.map(({ name }) => name);

const options: OptionTable = {
  of: valued('partitions: only those that the node at this address keeps'),
  lost: flag('partitions: only those whose every copy is gone'),
  'all-from': valued('transfer: all partitions that the node at this address is primary of'),
  to: valued('transfer: the node that takes over; default: one that holds everything'),
  yes: flag('reform: do it'),
};

export const cluster: Command = {
  name: 'cluster',
  operands: ['ACTION', 'OPERAND'],
  optionalOperands: 1,
  choices: { ACTION: names },
  summary: `the cluster itself: ${names.join(', ')}`,
  details: actions.map(({ synopsis, summary }) => `cluster ${synopsis}: ${summary}.`).join('\n\n'),
  options,
  examples: [
    ['keyval cluster status', 'is all well, and how many nodes can be lost?'],
    ['keyval cluster partitions --lost', 'what waits for an operator'],
    ['keyval cluster transfer --all-from 10.0.0.1:6234', 'before work on that machine'],
    ['keyval cluster members --output json', 'for programs'],
  ],
  async run({ operands: [name = '', operand = ''], values }) {
    const action = chosenAction({ name: 'cluster', actions, options }, name, operand, values);
    const format = formatOf(values);
    return await withClient(values, (client) => action.run({ client, values, format, operand }));
  },
};

/** `keyval locks ACTION`: what locks are held, by whom, who waits, how one was lost; and taking one away (L14). */
import type { Action } from '../cluster/action.ts';
import { breakAction } from '../locks/break.ts';
import { graphAction } from '../locks/graph.ts';
import { lsAction } from '../locks/ls.ts';
import { showAction, whyAction } from '../locks/show.ts';
import { chosenAction } from '../shared/action-command.ts';
import type { Command } from '../shared/command.ts';
import { flag, type OptionTable, valued } from '../shared/command-line.ts';
import { withClient } from '../shared/connection.ts';
import { keyOptions } from '../shared/key.ts';
import { formatOf } from '../shared/output.ts';

const actions: readonly Action[] = [lsAction, showAction, whyAction, breakAction, graphAction];
const names: readonly string[] = actions.map(({ name }) => name);

const options: OptionTable = {
  ...keyOptions,
  prefix: valued('ls: only keys that begin with this'),
  limit: valued('ls: at most this many, 1 to 1000', '100'),
  token: valued('break: only what is held under this fencing token'),
  yes: flag('break: do it'),
  dot: flag('graph: for Graphviz'),
};

export const locks: Command = {
  name: 'locks',
  operands: ['ACTION', 'KEY'],
  optionalOperands: 1,
  choices: { ACTION: names },
  summary: `locks that are held: ${names.join(', ')}`,
  details: actions.map(({ synopsis, summary }) => `locks ${synopsis}: ${summary}.`).join('\n\n'),
  options,
  examples: [
    ['keyval locks ls', 'who holds what, since when, and how many wait'],
    ['keyval locks show nightly', 'everything of one lock'],
    ['keyval locks why nightly', 'how it was lost last'],
    ['keyval locks break nightly --yes', 'take it away from a holder that hangs'],
    ['keyval locks graph --dot | dot -Tsvg > waits.svg', 'who waits for whom, as a picture'],
  ],
  async run({ operands: [name = '', operand = ''], values }) {
    const action = chosenAction({ name: 'locks', actions, options }, name, operand, values);
    const format = formatOf(values);
    return await withClient(values, (client) => action.run({ client, values, format, operand }));
  },
};

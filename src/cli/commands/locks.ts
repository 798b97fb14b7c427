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
import { keyOf, keyOptions } from '../shared/key.ts';
import { formatOf } from '../shared/output.ts';
import { usage, type Values } from '../shared/values.ts';

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
  details: [
    ...actions.map(({ synopsis, summary }) => `locks ${synopsis}: ${summary}.`),
    'Tables shorten long keys and write bytes that are no text as \\x1b. With --output json or ndjson keys are whole (of more than 1024 bytes the first ones), those that are no text or hold control characters in keyBase64: hand it on with --base64-key.',
  ].join('\n\n'),
  options,
  examples: [
    ['keyval locks ls', 'who holds what, since when, and how many wait'],
    ['keyval locks show nightly', 'everything of one lock'],
    ['keyval locks why nightly', 'how it was lost last'],
    ['keyval locks break nightly --yes', 'take it away from a holder that hangs'],
    ['keyval locks graph --dot | dot -Tsvg > waits.svg', 'who waits for whom, as a picture'],
  ],
  async run({ operands: [name = '', found], values }) {
    const operand = found ?? '';
    const action = chosenAction({ name: 'locks', actions, options }, name, operand, values);
    if (action.takesOperand) needKey(action, found, values);
    const format = formatOf(values);
    return await withClient(values, (client) => action.run({ client, values, format, operand }));
  },
};

/** Complains about a key before a node is asked for. @throws KeyvalError KV_USAGE, KV_BAD_KEY */
function needKey({ name }: Action, operand: string | undefined, values: Values): void {
  if (operand === undefined) throw usage(`KEY missing; write: keyval locks ${name} KEY`);
  keyOf(operand, values);
}

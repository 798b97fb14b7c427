/** `keyval cluster transfer`: moves primaries to other nodes, without an error for clients. */
import { ExitCode } from '../../errors.ts';
import { printResults } from '../shared/output.ts';
import { usage, type Values } from '../shared/values.ts';
import type { Action } from './action.ts';
import { handOver, handOversText, type Wish } from './hand-overs.ts';

/** Without --timeout: a hand-over takes milliseconds, unless the node that takes over is behind. */
const WAIT_MS = 10_000;

export const transferAction: Action = {
  name: 'transfer',
  synopsis: 'transfer PARTITION|--all-from ADDRESS [--to ADDRESS]',
  summary:
    'make another node primary: of one partition, or of all that a node has; exit code 5 when some could not be moved',
  options: ['all-from', 'to'],
  takesOperand: true,
  check(values, operand) {
    wishOf(values, operand);
  },
  async run({ client, values, format, operand }) {
    const wish = wishOf(values, operand);
    const outcomes = await handOver(client.admin(), wish, values.durationMs('timeout') ?? WAIT_MS);
    const lines = outcomes.map((one) => ({ ...one }));
    await printResults(format, { document: { partitions: outcomes }, lines, text: handOversText(outcomes) });
    return outcomes.every(({ moved }) => moved) ? ExitCode.ok : ExitCode.noQuorum;
  },
};

function wishOf(values: Values, operand: string): Wish {
  const [allFrom, to] = [values.text('all-from'), values.text('to')];
  if (operand === '' && allFrom !== undefined) return { what: { allFrom }, to };
  if (operand === '' || allFrom !== undefined) {
    const line = 'keyval cluster transfer PARTITION [--to ADDRESS]';
    throw usage(`name a partition, or a node with --all-from ADDRESS; write: ${line}`);
  }
  if (/^\d{1,5}$/.test(operand)) return { what: { partition: Number(operand) }, to };
  throw usage(`PARTITION is a number, as \`keyval cluster partitions\` shows them, not '${operand}'`);
}

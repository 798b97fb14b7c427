/** What the commands of `keyval` share, from command line, environment and file. */
import { configurationOf, type Found, printedConfiguration } from '../config/configuration.ts';
import type { Setting } from '../config/kinds.ts';
import { yargsOptions } from '../config/option.ts';
import { CLIENT_FILE_VARIABLE, clientOptionTable } from './client-option-table.ts';
import { flag, type OptionTable, valued } from './command-line.ts';
import { type RawValues, usage, Values } from './values.ts';

export const sharedOptions: OptionTable = {
  ...yargsOptions(clientOptionTable),
  config: valued('file with these options: a JSON object with their names as members', undefined, 'files'),
  'print-config': flag('print these options and where each came from; do nothing else'),
};

export interface ClientConfiguration {
  /** The values of a command, those that it shares with the others from all their sources. */
  readonly values: Values;
  /** What --print-config prints. */
  readonly printed: string;
}

/** @throws KeyvalError KV_USAGE that names every mistake */
export async function clientConfiguration(
  raw: RawValues,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ClientConfiguration> {
  const fileVariable = CLIENT_FILE_VARIABLE;
  const { found, problems } = await configurationOf({ options: clientOptionTable, raw, environment, fileVariable });
  if (problems.length > 0) throw usage(problems.join('; '));
  return { values: new Values(raw, elsewhere(found.values())), printed: printedConfiguration(found.values()) };
}

/** As text, the way a command line would have it. */
function elsewhere(found: Iterable<Found>): Record<string, string> {
  const said = [...found].filter(({ source: { from } }) => from === 'environment' || from === 'file');
  return Object.fromEntries(said.map(({ option, value }) => [option.name, textOf(value as Setting)]));
}

function textOf(value: Setting): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}

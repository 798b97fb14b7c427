/**
 * What an option of the configuration is. Command line, environment, file, their checks, help, completion and the
 * README's table all derive from one table of these.
 */
import { flag, type OptionTable, valued } from '../shared/command-line.ts';
import type { Kind, Setting } from './kinds.ts';

export interface ConfigOption {
  /** In kebab-case: `--name` on the command line, `"name"` in the file. */
  readonly name: string;
  readonly kind: Kind;
  /** One line. */
  readonly describe: string;
  /** What it is when nobody says; null: none. */
  readonly standard: Setting | null;
  /** The same in words, where the value alone does not say it. */
  readonly standardText?: string;
  /**
   * The variable that gives it. None may be one that Kubernetes sets for a service of some name: nothing that ends in
   * `_PORT` or `_SERVICE_HOST`, for example.
   */
  readonly environment?: string;
}

/** Its default as the help and the README show it; empty when there is none. */
export function standardText({ standard, standardText: words }: ConfigOption): string {
  if (words !== undefined) return words;
  return standard === null || standard === false ? '' : String(standard);
}

/** As yargs takes them. */
export function yargsOptions(options: readonly ConfigOption[]): OptionTable {
  return Object.fromEntries(options.map((option) => [option.name, yargsOption(option)]));
}

function yargsOption(option: ConfigOption): OptionTable[string] {
  const { kind } = option;
  if (kind.isFlag) return flag(option.describe);
  const standard = standardText(option);
  return valued(described(option), standard === '' ? undefined : standard, kind.completes);
}

export function variablesOf(options: readonly ConfigOption[]): string[] {
  return options.flatMap(({ environment }) => environment ?? []);
}

/** What it is, and what is allowed. */
function described({ describe, kind }: ConfigOption): string {
  return kind.rule === '' || kind.isFlag ? describe : `${describe}: ${kind.rule}`;
}

/** Its row in the README's table. */
export function readmeRow(option: ConfigOption): string {
  const variable = option.environment === undefined ? '' : `\`${option.environment}\``;
  const standard = standardText(option);
  const shown = standard === '' ? 'none' : standard.includes(' ') ? standard : `\`${standard}\``;
  const none = option.kind.isFlag && standard === '' ? 'off' : shown;
  return `| \`${option.name}\` | ${variable} | ${none} | ${described(option)} |`;
}

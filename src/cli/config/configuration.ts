/**
 * The effective configuration: for each option what the command line says, else the environment, else the file, else the
 * default. All of them are checked, also where another comes first, and every mistake is found, not only the first.
 */
import * as v from 'valibot';
import { type RawValues, Values } from '../shared/values.ts';
import { readConfigFile } from './config-file.ts';
import { placed, type Setting } from './kinds.ts';
import type { ConfigOption } from './option.ts';
import { shownText } from './shown.ts';

export type Source =
  | { readonly from: 'flag' }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'default' };

export interface Found {
  readonly option: ConfigOption;
  readonly value: Setting | null;
  readonly source: Source;
}

export interface Configuration {
  readonly found: ReadonlyMap<string, Found>;
  /** Each names where it is, what is wrong and what is allowed. */
  readonly problems: readonly string[];
}

export interface Sources {
  readonly options: readonly ConfigOption[];
  /** The command line. */
  readonly raw: RawValues;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The variable that names the file, where --config does not. */
  readonly fileVariable: string;
}

export async function configurationOf(sources: Sources): Promise<Configuration> {
  const { options, raw, environment } = sources;
  const problems: string[] = [];
  const file = await fileOf(sources);
  const fromFlags = layer(
    options,
    (option) => written(option, raw),
    ({ name }) => `--${name}`,
    problems,
  );
  const fromEnvironment = layer(
    options,
    ({ environment: variable }) => (variable === undefined ? undefined : environment[variable] || undefined),
    (option) => option.environment as string,
    problems,
  );
  problems.push(...file.problems);
  const found = new Map<string, Found>();
  for (const option of options) {
    const { name } = option;
    const take = (value: Setting, source: Source): void => void found.set(name, { option, value, source });
    const [flag, variable, member] = [fromFlags.get(name), fromEnvironment.get(name), file.settings.get(name)];
    if (flag !== undefined) take(flag, { from: 'flag' });
    else if (variable !== undefined) take(variable, { from: 'environment', variable: option.environment as string });
    else if (member !== undefined) take(member, { from: 'file', path: file.path });
    else found.set(name, { option, value: option.standard, source: { from: 'default' } });
  }
  return { found, problems };
}

async function fileOf({
  options,
  raw,
  environment,
  fileVariable,
}: Sources): Promise<Awaited<ReturnType<typeof readConfigFile>> & { readonly path: string }> {
  const flag = new Values(raw).text('config');
  const path = flag ?? (environment[fileVariable] || undefined);
  if (path === undefined) return { path: '', settings: new Map(), problems: [] };
  const what = flag === undefined ? fileVariable : '--config';
  return { path, ...(await readConfigFile(path, what, options)) };
}

/** What one of the sources says that consist of text: of each option the value that its schema makes of it. */
function layer(
  options: readonly ConfigOption[],
  textOf: (option: ConfigOption) => string | boolean | undefined,
  nameOf: (option: ConfigOption) => string,
  problems: string[],
): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const option of options) {
    const text = textOf(option);
    if (text === undefined) continue;
    const { kind, name } = option;
    const result = v.safeParse(kind.schema, typeof text === 'string' ? kind.ofText(text) : text);
    for (const issue of result.issues ?? [])
      problems.push(`${nameOf(option)}${issue.message.replace('%', () => shownText(issue.input))}`);
    if (result.success) settings.set(name, placed(kind, result.output));
  }
  return settings;
}

/** As the command line has it: the last one counts, several lists are one. */
function written({ name, kind }: ConfigOption, raw: RawValues): string | boolean | undefined {
  const values = new Values(raw);
  if (!values.isGiven(name)) return undefined;
  if (kind.isFlag) return values.flag(name);
  return kind.isList ? values.list(name)?.join(',') : values.text(name);
}

/** Where a value came from, in a few words. */
export function sourceText({ option, source }: Found): string {
  if (source.from === 'flag') return `flag --${option.name}`;
  if (source.from === 'environment') return `environment ${source.variable}`;
  return source.from === 'file' ? `file ${source.path}` : 'default';
}

/** As it is written where it was found, for the start of a sentence about it. */
export function placeText({ option, source }: Found): string {
  if (source.from === 'environment') return source.variable;
  return source.from === 'file' ? `${source.path}: ${option.name}` : `--${option.name}`;
}

/** A document that is a configuration file again, with a note of where each value came from. */
export function printedConfiguration(found: Iterable<Found>): string {
  const all = [...found];
  const values = Object.fromEntries(all.map(({ option, value }) => [option.name, value]));
  const from = Object.fromEntries(all.map((one) => [one.option.name, sourceText(one)]));
  return `${JSON.stringify({ ...values, $from: from }, null, 2)}\n`;
}

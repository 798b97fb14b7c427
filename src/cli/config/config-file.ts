/**
 * A configuration file: a JSON object with the options' names as members. All its mistakes are found, and each names
 * file, line, column and member.
 */
import { dirname } from 'node:path';
import * as v from 'valibot';
import { nearest } from '../../base/nearest.ts';
import { KeyvalError } from '../../errors.ts';
import { readConfigText } from '../../io/files.ts';
import { JsonDocument, JsonMistake, type JsonPath, type Place } from './json-text.ts';
import { placed, type Setting } from './kinds.ts';
import type { ConfigOption } from './option.ts';
import { fileSchema, unknownMembers } from './schema.ts';
import { shownJson } from './shown.ts';

export interface FileSettings {
  /** What it says and may say; paths are absolute. */
  readonly settings: ReadonlyMap<string, Setting>;
  readonly problems: readonly string[];
}

/** `what` names how the file was given. */
export async function readConfigFile(
  path: string,
  what: string,
  options: readonly ConfigOption[],
): Promise<FileSettings> {
  try {
    return checkConfigText(await readConfigText(path, what), path, options);
  } catch (error) {
    if (!(error instanceof KeyvalError)) throw error;
    return { settings: new Map(), problems: [error.message] };
  }
}

/** `path` is where `text` was read. */
export function checkConfigText(text: string, path: string, options: readonly ConfigOption[]): FileSettings {
  try {
    return checkDocument(new JsonDocument(text), path, options);
  } catch (error) {
    if (!(error instanceof JsonMistake)) throw error;
    return { settings: new Map(), problems: [`${at(path, error.place)}: ${error.message}`] };
  }
}

function checkDocument(document: JsonDocument, path: string, options: readonly ConfigOption[]): FileSettings {
  const { value } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const where = at(path, document.placeOf([]));
    return {
      settings: new Map(),
      problems: [`${where}: a configuration is an object, {"option": value, …}, not ${shownJson(value)}`],
    };
  }
  const { output, issues = [] } = v.safeParse(fileSchema(options), value);
  const wrong = new Set(issues.map((issue) => pathOf(issue)[0]));
  const problems = [
    ...unknownMembers(value, options).map((name) => ({ path: [name], text: unknownText(name, options) })),
    ...issues.map((issue) => ({ path: pathOf(issue), text: issueText(issue) })),
  ];
  return {
    settings: settingsOf(output as Record<string, Setting | null | undefined>, wrong, path, options),
    problems: problems
      .map(({ path: member, text }) => ({ place: document.placeOf(member), text }))
      .sort((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
      .map(({ place, text }) => `${at(path, place)}: ${text}`),
  };
}

function at(path: string, { line, column }: Place): string {
  return `${path}:${line}:${column}`;
}

function pathOf(issue: v.BaseIssue<unknown>): JsonPath {
  return issue.path?.map(({ key }) => key as string | number) ?? [];
}

/** `peers[1]: "x" is no address; …` */
function issueText(issue: v.BaseIssue<unknown>): string {
  const [name = '', ...steps] = pathOf(issue);
  const member = `${name}${steps.map((step) => `[${step}]`).join('')}`;
  return `${member}${issue.message.replace('%', () => shownJson(issue.input))}`;
}

function unknownText(name: string, options: readonly ConfigOption[]): string {
  const names = options.map((option) => option.name);
  const near = nearest(name.replaceAll('_', '-'), names) ?? nearest(kebab(name), names);
  const hint = near === null ? `; there are ${names.join(', ')}` : `; did you mean ${JSON.stringify(near)}?`;
  return `unknown member ${shownJson(name)}${hint}`;
}

/** `maxMemory` → `max-memory`. */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function settingsOf(
  found: Readonly<Record<string, Setting | null | undefined>>,
  wrong: ReadonlySet<unknown>,
  path: string,
  options: readonly ConfigOption[],
): Map<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const { name, kind } of options) {
    const value = found[name];
    if (value === undefined || value === null || wrong.has(name)) continue;
    settings.set(name, placed(kind, value, dirname(path)));
  }
  return settings;
}

/**
 * yargs as both commands use it: flat options in kebab-case, kept as text, in English, every mistake an error. Operands
 * (KEY, VALUE) are taken from `_` and not declared to yargs, which reads declared ones a second time and would make an
 * empty value of `-` and lose what stands behind `--`.
 */
import yargs, { type Argv, type Options } from 'yargs';
import { nearest } from '../../base/nearest.ts';
import { version } from '../../version.ts';
import { formats } from './output.ts';
import { usage } from './values.ts';

/** What a shell can offer as a value: names of files, some words, or nothing. */
export type Completes = 'files' | 'nothing' | readonly string[];

/** An option as yargs takes it, and what completion offers as its value. */
export interface CommandOption extends Options {
  readonly completes?: Completes;
}

export type OptionTable = Readonly<Record<string, CommandOption>>;

const LINE_LENGTH_MAX = 110;

/** An option that takes a value. `standard` is its default, for the help. */
export function valued(describe: string, standard?: string, completes: Completes = 'nothing'): CommandOption {
  const shown = standard === undefined ? {} : { defaultDescription: standard };
  return { type: 'string', requiresArg: true, describe, completes, ...shown };
}

/** An option that stands alone. */
export function flag(describe: string): CommandOption {
  return { type: 'boolean', describe };
}

export function commandLine(program: string, args: readonly string[]): Argv {
  return yargs([...args])
    .scriptName(program)
    .locale('en')
    .wrap(Math.min(LINE_LENGTH_MAX, process.stdout.columns ?? LINE_LENGTH_MAX))
    .version(version)
    .help()
    .alias('help', 'h')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'short-option-groups': false,
    })
    .string('_')
    .strictOptions()
    .exitProcess(false)
    .fail(false);
}

/** Examples, each with what it does below it, so that a long one stays on a line and can be copied. */
export function examplesText(examples: readonly (readonly [line: string, what: string])[]): string {
  return ['Examples:', ...examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`])].join('\n');
}

/** `args` up to the first `--`, and what follows it; null when there is none. */
export function splitAtDashes(args: readonly string[]): { args: readonly string[]; rest: readonly string[] | null } {
  const at = args.indexOf('--');
  return at < 0 ? { args, rest: null } : { args: args.slice(0, at), rest: args.slice(at + 1) };
}

/** What yargs complains about, in our words. `options`: the names that may be meant by a mistyped one. */
export function explainMistake(
  program: string,
  args: readonly string[],
  options: readonly string[],
  error: unknown,
): unknown {
  if (!(error instanceof Error)) return error;
  const unknownOption = /^Unknown arguments?: ([^,]+)/.exec(error.message)?.[1];
  if (unknownOption !== undefined) return usage(unknownOptionText(unknownOption, args, options));
  const valueless = /^Not enough arguments following: (.+)$/.exec(error.message)?.[1];
  if (valueless !== undefined) return usage(`--${valueless} needs a value`);
  return usage(`${error.message}; see ${program} --help`);
}

function unknownOptionText(name: string, args: readonly string[], options: readonly string[]): string {
  const isLong = args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (!isLong) return `unknown option -${name}; options are written --name, and behind -- everything is taken as it is`;
  if (formats.some((format) => format === name)) return `unknown option --${name}; did you mean --output ${name}?`;
  const near = nearest(name, options);
  return `unknown option --${name}${near === null ? '' : `; did you mean --${near}?`}`;
}

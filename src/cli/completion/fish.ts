/** Completion for fish: one `complete` per word that can stand somewhere. */
import type { CompletedOption, CompletedProgram } from './model.ts';

export function fishScript(programs: readonly CompletedProgram[]): string {
  return [
    '# Completion for fish:  keyval completion fish > ~/.config/fish/completions/keyval.fish',
    ...programs.flatMap(programLines),
    '',
  ].join('\n');
}

function programLines({ name, options, commands }: CompletedProgram): string[] {
  const words = commands.map((command) => command.name).join(' ');
  return [
    `complete -c ${name} -f`,
    ...options.map((option) => optionLine(name, option)),
    ...commands.map(
      (command) =>
        `complete -c ${name} -n 'not __fish_seen_subcommand_from ${words}' -a ${command.name} -d ${quoted(command.summary)}`,
    ),
    ...commands.flatMap((command) => {
      const seen = `-n '__fish_seen_subcommand_from ${command.name}'`;
      return [
        ...command.options.map((option) => optionLine(name, option, ` ${seen}`)),
        ...command.operands.flatMap((completes) => {
          if (completes === 'nothing') return [];
          return `complete -c ${name} ${seen} ${completes === 'files' ? '-F' : `-a ${quoted(completes.join(' '))}`}`;
        }),
        ...(command.takesCommand ? [`complete -c ${name} ${seen} -a '(__fish_complete_subcommand --fcs-skip=3)'`] : []),
      ];
    }),
  ];
}

function optionLine(
  program: string,
  { name, describe, takesValue, completes }: CompletedOption,
  condition = '',
): string {
  const value = !takesValue
    ? ''
    : completes === 'files'
      ? ' -r -F'
      : completes === 'nothing'
        ? ' -x'
        : ` -x -a ${quoted(completes.join(' '))}`;
  return `complete -c ${program}${condition} -l ${name}${value} -d ${quoted(describe)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, (sign) => `\\${sign}`)}'`;
}

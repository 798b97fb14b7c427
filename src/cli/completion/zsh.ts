/** Completion for zsh, by its `_arguments`: to be sourced, or kept as `_keyval` in a folder of `$fpath`. */
import type { Completes } from '../shared/command-line.ts';
import type { CompletedCommand, CompletedOption, CompletedProgram } from './model.ts';

export function zshScript(programs: readonly CompletedProgram[]): string {
  const names = programs.map(({ name }) => name);
  return [
    `#compdef ${names.join(' ')}`,
    '# Completion for zsh; in ~/.zshrc, behind compinit:  source <(keyval completion zsh)',
    ...programs.map(programScript),
    `_keyval() {
  case $service in
${names.map((name) => `    ${name}) ${functionOf(name)} ;;`).join('\n')}
  esac
}`,
    `if [[ "\${funcstack[1]}" == _keyval ]]; then _keyval "$@"; else compdef _keyval ${names.join(' ')}; fi`,
    '',
  ].join('\n\n');
}

function functionOf(name: string): string {
  return `_${name.replaceAll('-', '_')}_arguments`;
}

function programScript({ name, options, commands }: CompletedProgram): string {
  const shared = `  local -a shared=(\n${options.map((option) => `    ${optionSpec(option)}`).join('\n')}\n  )`;
  if (commands.length === 0) return `${functionOf(name)}() {\n${shared}\n  _arguments $shared\n}`;
  return `${functionOf(name)}() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
${shared}
  local -a commands=(
${commands.map((one) => `    ${quoted(`${escaped(one.name)}:${escaped(one.summary)}`)}`).join('\n')}
  )
  _arguments -C $shared '1:command:->command' '*::operand:->operand' && return
  case $state in
    command) _describe command commands ;;
    operand)
      case $line[1] in
${commands.map((one) => `        ${one.name}) _arguments $shared ${commandSpecs(one)} ;;`).join('\n')}
      esac ;;
  esac
}`;
}

function commandSpecs({ options, operands, takesCommand }: CompletedCommand): string {
  const positions = operands.map((completes, index) => `'${index + 1}:operand:${action(completes)}'`);
  return [...options.map(optionSpec), ...positions, ...(takesCommand ? ["'*::command: _normal'"] : [])].join(' ');
}

function optionSpec({ name, describe, takesValue, completes }: CompletedOption): string {
  const value = takesValue ? `:value:${action(completes)}` : '';
  return quoted(`--${name}${takesValue ? '=' : ''}[${escaped(describe)}]${value}`);
}

function action(completes: Completes): string {
  if (completes === 'nothing') return ' ';
  return completes === 'files' ? '_files' : `(${completes.join(' ')})`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, (sign) => `\\${sign}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Completion for bash, 3.2 and newer. The script holds all it needs: a tab starts no process. bash takes `--name=value`
 * apart into three words.
 */
import type { Completes } from '../shared/command-line.ts';
import type { CompletedCommand, CompletedOption, CompletedProgram } from './model.ts';

export function bashScript(programs: readonly CompletedProgram[]): string {
  return [
    '# Completion for bash; in ~/.bashrc:  source <(keyval completion bash)',
    FILES,
    ...programs.map(programScript),
    '',
  ].join('\n\n');
}

/** Where bash can do it, its own completion of names offers them: it knows ~ and quotes. */
const FILES = `_keyval_offer_files() {
  local file
  compopt -o default 2>/dev/null && return
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$1")
}`;

function programScript({ name, options, commands }: CompletedProgram): string {
  const owned = [{ command: '*', options }, ...commands.map((one) => ({ command: one.name, options: one.options }))];
  const valued = new Set(owned.flatMap(({ options: all }) => all.filter(takesValue).map(optionWord)));
  const shared = options.map(optionWord).join(' ');
  const functionName = `_${name.replaceAll('-', '_')}_complete`;
  return `${functionName}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command=
  local -i at operands=0 behind=0
  COMPREPLY=()
  if [[ $word == '=' ]]; then word=
  elif [[ $before == '=' ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "\${COMP_WORDS[at]}" in
      --) behind=$((at + 1)); break ;;
      ${[...valued].join('|')})
        [[ \${COMP_WORDS[at + 1]} == '=' ]] && at+=1
        at+=1 ;;
      -?*) ;;
      *) if [[ -z $command ]]; then command=\${COMP_WORDS[at]}; else operands+=1; fi ;;
    esac
  done
${behindDashes(commands)}
  case "$command $before" in
${owned.flatMap(({ command, options: all }) => all.filter(takesValue).map((option) => valueCase(command, option))).join('\n')}
  esac
  if [[ $word == -* ]]; then
    local options='${shared}'
${ownOptions(commands)}    COMPREPLY=($(compgen -W "$options" -- "$word"))
    return
  fi
${commands.length === 0 ? '' : operandPart(commands)}}
complete -F ${functionName} ${name}`;
}

function ownOptions(commands: readonly CompletedCommand[]): string {
  const cases = commands
    .filter(({ options }) => options.length > 0)
    .map(({ name, options }) => `      ${name}) options+=' ${options.map(optionWord).join(' ')}' ;;\n`);
  return cases.length === 0 ? '' : `    case "$command" in\n${cases.join('')}    esac\n`;
}

function takesValue(option: CompletedOption): boolean {
  return option.takesValue;
}

function optionWord({ name }: CompletedOption): string {
  return `--${name}`;
}

/** Behind `--` stands a command line of its own, or operands. */
function behindDashes(commands: readonly CompletedCommand[]): string {
  const running = commands.filter((one) => one.takesCommand).map(({ name }) => name);
  const own = `    case "$command" in
      ${running.join('|')})
        if ((COMP_CWORD == behind)); then COMPREPLY=($(compgen -c -- "$word")); else _keyval_offer_files "$word"; fi ;;
    esac\n`;
  return `  if ((behind > 0)); then
${running.length === 0 ? '' : own}    return
  fi`;
}

function valueCase(command: string, option: CompletedOption): string {
  return `    ${command === '*' ? '*' : command}' ${optionWord(option)}') ${offer(option.completes)}return ;;`;
}

function offer(completes: Completes): string {
  if (completes === 'nothing') return '';
  if (completes === 'files') return '_keyval_offer_files "$word"; ';
  return `COMPREPLY=($(compgen -W '${completes.join(' ')}' -- "$word")); `;
}

function operandPart(commands: readonly CompletedCommand[]): string {
  const cases = commands.flatMap(({ name, operands }) =>
    operands.flatMap((completes, index) =>
      completes === 'nothing' ? [] : [`    '${name} ${index}') ${offer(completes).trimEnd()};`],
    ),
  );
  return `  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$word"))
    return
  fi
  case "$command $operands" in
${cases.join('\n')}
  esac
`;
}

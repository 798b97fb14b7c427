/** `keyval completion SHELL`: a script that lets the shell complete `keyval` and `keyval-node`. */

import { nearest } from '../../base/nearest.ts';
import { ExitCode } from '../../errors.ts';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { type CompletedProgram, completedProgram } from '../completion/model.ts';
import { zshScript } from '../completion/zsh.ts';
import { NODE_PROGRAM, nodeCommandOptions } from '../node/node-option-table.ts';
import { sharedOptions } from '../shared/client-configuration.ts';
import type { Command } from '../shared/command.ts';
import { print } from '../shared/streams.ts';
import { usage } from '../shared/values.ts';

const scripts: ReadonlyMap<string, (programs: readonly CompletedProgram[]) => string> = new Map([
  ['bash', bashScript],
  ['zsh', zshScript],
  ['fish', fishScript],
]);

const shells = [...scripts.keys()];

/** `commands`: all that `keyval` has, this one among them. */
export function completion(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    operands: ['SHELL'],
    choices: { SHELL: shells },
    summary: `print a script with which a shell completes command lines: ${shells.join(', ')}`,
    details: 'The script serves keyval and keyval-node. Print it again after an upgrade.',
    options: {},
    examples: [
      ['source <(keyval completion bash)', 'in ~/.bashrc'],
      ['source <(keyval completion zsh)', 'in ~/.zshrc, behind compinit'],
      ['keyval completion fish > ~/.config/fish/completions/keyval.fish', 'once'],
    ],
    async run({ operands: [shell = ''] }) {
      await print(scriptFor(shell, commands()));
      return ExitCode.ok;
    },
  };
}

/** @throws KeyvalError KV_USAGE for a shell that has no script */
export function scriptFor(shell: string, commands: readonly Command[]): string {
  const script = scripts.get(shell);
  if (script === undefined) {
    const near = nearest(shell, shells);
    throw usage(
      `SHELL is ${shells.join(', ')}, not '${shell}'${near === null || shell === '' ? '' : `; did you mean ${near}?`}`,
    );
  }
  return script([
    completedProgram('keyval', sharedOptions, commands),
    completedProgram(NODE_PROGRAM, nodeCommandOptions),
  ]);
}

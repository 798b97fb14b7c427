/** Commands that have actions, `keyval cluster ACTION` and `keyval locks ACTION`: which one is meant, and what it takes. */

import { nearest } from '../../base/nearest.ts';
import type { Action } from '../cluster/action.ts';
import type { OptionTable } from './command-line.ts';
import { usage, type Values } from './values.ts';

export interface ActionCommand {
  readonly name: string;
  readonly actions: readonly Action[];
  readonly options: OptionTable;
}

/** The action, when operand and options fit it. @throws KeyvalError KV_USAGE */
export function chosenAction(command: ActionCommand, name: string, operand: string, values: Values): Action {
  const action = actionOf(command, name);
  if (operand !== '' && !action.takesOperand)
    throw usage(`unexpected argument '${operand}'; write: keyval ${command.name} ${action.synopsis}`);
  checkOptions(command, action, values);
  action.check?.(values, operand);
  return action;
}

function actionOf({ actions }: ActionCommand, name: string): Action {
  const action = actions.find((one) => one.name === name);
  if (action !== undefined) return action;
  const names = actions.map((one) => one.name);
  const near = nearest(name, names);
  throw usage(`unknown action '${name}'; ${near === null ? `there are ${names.join(', ')}` : `did you mean ${near}?`}`);
}

/** An option of another action would be passed over in silence. */
function checkOptions({ name, actions, options }: ActionCommand, action: Action, values: Values): void {
  const foreign = Object.keys(options).find((option) => values.isGiven(option) && !action.options.includes(option));
  if (foreign === undefined) return;
  const owner = actions.find((one) => one.options.includes(foreign));
  throw usage(`--${foreign} belongs to ${name} ${owner?.name}, not to ${name} ${action.name}`);
}

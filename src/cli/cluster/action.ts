/** What an action of `keyval cluster` is. */
import type { BytesClient } from '../shared/connection.ts';
import type { Format } from '../shared/output.ts';
import type { Values } from '../shared/values.ts';

export interface ActionContext {
  readonly client: BytesClient;
  readonly values: Values;
  readonly format: Format;
  /** Behind the action's name; '' none. */
  readonly operand: string;
}

export interface Action {
  readonly name: string;
  /** With its operand and options, for the help. */
  readonly synopsis: string;
  readonly summary: string;
  /** Of the command's own options, those that mean something here. */
  readonly options: readonly string[];
  readonly takesOperand: boolean;
  /** Complains about what no node need be asked for. @throws KeyvalError KV_USAGE */
  check?(values: Values, operand: string): void;
  /** Gives the exit code. */
  run(context: ActionContext): Promise<number>;
}

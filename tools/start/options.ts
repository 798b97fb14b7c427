/** The options of `npm start -- …`. */
import { parseArgs } from 'node:util';

export interface StartOptions {
  readonly help: boolean;
  /** How many nodes, 1 to `nodesMax`. */
  readonly nodes: number;
  readonly port: number;
  /** Runs the load generator against the nodes until they are stopped. */
  readonly load: boolean;
  /** Process id of the npm that started us; null when a person did. */
  readonly parent: number | null;
}

export class UsageError extends Error {}

const defaultNodes = 3;
export const defaultPort = 6234;
/** More processes than this show nothing new on one machine. */
const nodesMax = 16;
const portMax = 65_535;

export const usage: string = `npm start -- [options]

  --nodes N   how many nodes, 1 to ${nodesMax} (default ${defaultNodes})
  --port N    their port (default ${defaultPort})
  --load      run the load generator against them
  --help      this text`;

/** Throws `UsageError` naming the option that is wrong. */
export function parseStartOptions(args: readonly string[]): StartOptions {
  const values = parse(args);
  return {
    help: values.help,
    nodes: integer('--nodes', values.nodes, nodesMax) ?? defaultNodes,
    port: integer('--port', values.port, portMax) ?? defaultPort,
    load: values.load,
    parent: integer('--parent', values.parent, Number.MAX_SAFE_INTEGER),
  };
}

interface Values {
  help: boolean;
  load: boolean;
  nodes?: string | undefined;
  port?: string | undefined;
  parent?: string | undefined;
}

function parse(args: readonly string[]): Values {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        load: { type: 'boolean', default: false },
        nodes: { type: 'string' },
        port: { type: 'string' },
        parent: { type: 'string' },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function integer(name: string, text: string | undefined, max: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= max) return value;
  throw new UsageError(`${name} takes a whole number from 1 to ${max}, not "${text}".`);
}

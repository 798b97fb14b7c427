/** The options of `npm run hostile -- …`. */
import { parseArgs } from 'node:util';
import { attacks } from './all-attacks.ts';
import type { Attack } from './attack.ts';

export interface HostileOptions {
  readonly help: boolean;
  /** About how long each attack goes on. */
  readonly seconds: number;
  readonly attacks: readonly Attack[];
  readonly seed: number;
  readonly connections: number;
  readonly requests: number;
  /** Operations a second of the honest client. */
  readonly rate: number;
  /** The cluster's; the next ones are used too. */
  readonly port: number;
  readonly json: boolean;
}

export class UsageError extends Error {}

const DEFAULT_SECONDS = 3;
const DEFAULT_CONNECTIONS = 10_000;
const DEFAULT_REQUESTS = 50_000;
const DEFAULT_RATE = 300;
const DEFAULT_PORT = 27_100;
/** Ports used from `--port` on. */
export const PORTS = 4;

export const usage: string = `npm run hostile -- [options]

  --seconds N      about how long each attack goes on (default ${DEFAULT_SECONDS})
  --only A,B       only attacks whose name begins so: ${attacks.map(({ name }) => name).join(', ')}
  --connections N  connections that are held open at once (default ${DEFAULT_CONNECTIONS}); needs as many open files:
                   ulimit -n ${DEFAULT_CONNECTIONS + 2000}
  --requests N     requests that are sent at once (default ${DEFAULT_REQUESTS})
  --rate N         operations a second of the honest client (default ${DEFAULT_RATE})
  --seed N         of all that is random; printed, so that a run can be repeated
  --port N         of the nodes, the next ones too (default ${DEFAULT_PORT})
  --json           the figures as JSON
  --help           this text

Exit codes: 0 all held, 1 something did not, 2 wrong options.`;

/** @throws UsageError naming the option that is wrong */
export function parseHostileOptions(args: readonly string[]): HostileOptions {
  const values = parse(args);
  return {
    help: values.help === true,
    seconds: number('--seconds', values.seconds, 0.1, 600) ?? DEFAULT_SECONDS,
    attacks: values.only === undefined ? attacks : values.only.split(',').flatMap(attacksNamed),
    seed: number('--seed', values.seed, 0, Number.MAX_SAFE_INTEGER) ?? Math.floor(Math.random() * 2 ** 32),
    connections: number('--connections', values.connections, 1, 100_000) ?? DEFAULT_CONNECTIONS,
    requests: number('--requests', values.requests, 1, 1_000_000) ?? DEFAULT_REQUESTS,
    rate: number('--rate', values.rate, 1, 10_000) ?? DEFAULT_RATE,
    port: number('--port', values.port, 1, 65_535 - PORTS) ?? DEFAULT_PORT,
    json: values.json === true,
  };
}

function parse(args: readonly string[]): Record<string, string | undefined> & { help?: boolean; json?: boolean } {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean' },
        json: { type: 'boolean' },
        seconds: text,
        only: text,
        connections: text,
        requests: text,
        rate: text,
        seed: text,
        port: text,
      },
    });
    return values as ReturnType<typeof parse>;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function attacksNamed(prefix: string): readonly Attack[] {
  const found = attacks.filter(({ name }) => name.startsWith(prefix));
  if (found.length > 0 && prefix !== '') return found;
  throw new UsageError(`--only: no attack begins with "${prefix}"; see --help`);
}

function number(name: string, text: string | undefined, min: number, max: number): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text !== '' && value >= min && value <= max) return value;
  throw new UsageError(`${name} takes a number from ${min} to ${max}, not "${text}".`);
}

/**
 * The configuration of a node, from all its sources and checked as a whole: each option for itself, the secret's file,
 * what the options mean together, and whether the address is this machine's.
 */
import { resolve } from 'node:path';
import { formatAddress } from '../../base/address.ts';
import type { Address } from '../../base/ports.ts';
import { KeyvalError } from '../../errors.ts';
import type { NodeOptions } from '../../index.ts';
import { isOwnAddress } from '../../io/acceptor.ts';
import { readSecretFile } from '../../io/files.ts';
import { type CheckedNodeOptions, checkNodeOptions, NO_DATA, optionsOfProcess } from '../../node-options.ts';
import { version } from '../../version.ts';
import { configurationOf, type Found, placeText, sourceText } from '../config/configuration.ts';
import type { Setting } from '../config/kinds.ts';
import type { RawValues } from '../shared/values.ts';
import { NODE_FILE_VARIABLE, nodeOptionTable } from './node-option-table.ts';

export interface NodeConfiguration {
  /** For `startNode`; of use when there are no problems. */
  readonly options: NodeOptions;
  /** Every option; what nobody says as it follows from the others, where it does. */
  readonly found: readonly Found[];
  readonly problems: readonly string[];
  /** One line about a configuration without problems. */
  readonly summary: string;
}

type FoundByName = ReadonlyMap<string, Found>;

/** `tryAddress`: whether to find out if the address is this machine's; a node that starts finds out anyway. */
export async function nodeConfiguration(
  raw: RawValues,
  environment: Readonly<Record<string, string | undefined>>,
  { tryAddress }: { readonly tryAddress: boolean },
): Promise<NodeConfiguration> {
  const fileVariable = NODE_FILE_VARIABLE;
  const { found, problems } = await configurationOf({ options: nodeOptionTable, raw, environment, fileVariable });
  const secret = await secretOf(found);
  const options = { ...optionsOf(found), ...(secret.bytes === null ? {} : { secret: secret.bytes }) };
  const single = [...problems, ...secret.problems, ...tooLittleMemory(found)];
  // What options mean together cannot be said of options that are wrong by themselves.
  const whole = problems.length > 0 ? { checked: null, problems: [] } : checkTogether(options, found);
  const foreign = whole.checked === null || !tryAddress ? [] : await foreignAddress(whole.checked.listen, found);
  return {
    options,
    found: whole.checked === null ? [...found.values()] : withDerived(found, whole.checked),
    problems: [...single, ...whole.problems, ...foreign],
    summary: whole.checked === null ? '' : summaryOf(whole.checked, found),
  };
}

/** Those that somebody gave; the defaults are for `checkNodeOptions`. */
function optionsOf(found: FoundByName): NodeOptions {
  const given = nodeOptionTable.flatMap(({ name, field }) => {
    const one = found.get(name);
    return field === null || one === undefined || one.source.from === 'default' ? [] : [[field, one.value]];
  });
  return Object.fromEntries(given) as NodeOptions;
}

/** What stands for a secret that cannot be read, so that one mistake is not reported as two. */
const UNREAD = Uint8Array.of(0);

async function secretOf(found: FoundByName): Promise<{ bytes: Uint8Array | null; problems: readonly string[] }> {
  const file = found.get('secret-file');
  if (file === undefined || file.value === null) return { bytes: null, problems: [] };
  try {
    return { bytes: await readSecretFile(file.value as string, placeText(file)), problems: [] };
  } catch (error) {
    return { bytes: UNREAD, problems: [messageOf(error)] };
  }
}

/** Keys and all around them: a node without any needs a part of it. Programs that start nodes may know better. */
const MEMORY_BYTES_MIN: number = 16 * 1024 * 1024;

function tooLittleMemory(found: FoundByName): readonly string[] {
  const one = found.get('max-memory');
  const bytes = one?.value;
  if (one === undefined || typeof bytes !== 'number' || bytes === 0 || bytes >= MEMORY_BYTES_MIN) return [];
  return [`${placeText(one)} is 0 for no limit, or at least 16M, not ${bytes}`];
}

interface Whole {
  readonly checked: CheckedNodeOptions | null;
  readonly problems: readonly string[];
}

function checkTogether(options: NodeOptions, found: FoundByName): Whole {
  const first = attempt(options);
  if (typeof first !== 'string') return { checked: first, problems: [] };
  const second = withoutPeers(options);
  const all = second === null || second === first ? [first] : [first, second];
  return { checked: null, problems: all.map((problem) => withOrigins(problem, found)) };
}

/** What is wrong with listening where it is told to, which a mistake about the peers hides. */
function withoutPeers({ advertise: _, witness: _witness, ...options }: NodeOptions): string | null {
  if (options.listen === undefined) return null;
  const result = attempt({ ...options, peers: [] });
  return typeof result === 'string' ? result : null;
}

function attempt(options: NodeOptions): CheckedNodeOptions | string {
  try {
    return checkNodeOptions(optionsOfProcess(options), version);
  } catch (error) {
    return messageOf(error);
  }
}

/** Behind a sentence about --options, where those stand that are on no command line. */
function withOrigins(problem: string, found: FoundByName): string {
  const names = new Set(problem.match(/(?<=--)[a-z-]+/g));
  const origins = [...names].flatMap((name) => {
    const one = found.get(name);
    if (one === undefined || one.source.from === 'flag' || one.source.from === 'default') return [];
    return `--${name} is from ${sourceText(one)}`;
  });
  return origins.length === 0 ? problem : `${problem} (${origins.join(', ')})`;
}

async function foreignAddress(listen: Address, found: FoundByName): Promise<readonly string[]> {
  if (await isOwnAddress(listen.host)) return [];
  return [withOrigins(`--listen ${formatAddress(listen)} is not an address of this machine`, found)];
}

/** With the values that follow from the other options and the machine. */
function withDerived(found: FoundByName, { listen, settings, data, workerThreads }: CheckedNodeOptions): Found[] {
  const effective = new Map<string, Setting>([
    ['listen', formatAddress(listen)],
    ['advertise', settings.address],
    ['min', settings.minInSync],
    ['data', data === null ? NO_DATA : resolve(data)],
    ['new', settings.isNew],
    ['on-loss', settings.onLoss],
    ['worker-threads', workerThreads],
  ]);
  return [...found.values()].map((one) => ({
    ...one,
    value: one.value ?? effective.get(one.option.name) ?? null,
  }));
}

function summaryOf({ settings, listen }: CheckedNodeOptions, found: FoundByName): string {
  const { cluster, members, secret } = settings;
  const count = members.length === 1 ? 'one node' : `${members.length} nodes`;
  const guarded = secret === null ? 'no secret' : `the secret of ${found.get('secret-file')?.value}`;
  return `cluster ${cluster}, ${count}, this one listens on ${formatAddress(listen)}, ${guarded}`;
}

function messageOf(error: unknown): string {
  if (error instanceof KeyvalError) return error.message;
  throw error;
}

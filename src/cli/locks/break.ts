/** `keyval locks break`: takes a lock away from whoever holds it. */
import type { BrokenLock, LockInfo } from '../../client/lock-admin.ts';
import { ExitCode, KeyvalError } from '../../errors.ts';
import { systemClock } from '../../io/clock.ts';
import type { Action } from '../cluster/action.ts';
import { keyField, keyOf, quoted } from '../shared/key.ts';
import { type Document, printResult } from '../shared/output.ts';
import { usage, type Values } from '../shared/values.ts';
import { holdersText } from './show.ts';
import { holderName, lockDocument, lossDocument, lossText } from './text.ts';

const WARNING =
  'The holder is told, and may go on working until it has heard of it: only its writes with a fence are refused at once.';

export const breakAction: Action = {
  name: 'break',
  synopsis: 'break KEY [--token TOKEN] [--yes]',
  summary:
    'take the lock away from its holders, or from the one with that token; without --yes only says from whom; exit code 3 when nobody holds it, 6 when nobody does under that token',
  options: ['token', 'yes', 'base64-key'],
  takesOperand: true,
  check(values) {
    tokenOf(values);
  },
  async run({ client, values, format, operand }) {
    const key = keyOf(operand, values);
    const token = tokenOf(values);
    const admin = client.admin();
    if (values.flag('yes')) {
      const result = await admin.breakLock(key, token === undefined ? {} : { token });
      const nowMs = systemClock.unixMs();
      await printResult(format, brokenDocument(result, nowMs), brokenText(result, operand, nowMs));
      return ExitCode.ok;
    }
    const lock = await lockNow(client, key, operand);
    const meant = token === undefined ? lock : onlyUnder(lock, token);
    const trial = `${holdersText(meant)}\n\n${WARNING}\nNothing was done. To take the lock away, add --yes.`;
    await printResult(format, { ...keyField(key), lock: lockDocument(meant), broken: null }, trial);
    return ExitCode.ok;
  },
};

type Client = Parameters<Action['run']>[0]['client'];

async function lockNow(client: Client, key: Parameters<typeof keyField>[0], operand: string): Promise<LockInfo> {
  const { lock } = await client.admin().lock(key);
  if (lock === null) throw new KeyvalError('KV_NOT_FOUND', `nobody holds the lock of ${quoted(operand)}`);
  return lock;
}

function onlyUnder(lock: LockInfo, token: bigint): LockInfo {
  const holders = lock.holders.filter((holder) => holder.token === token);
  if (holders.length === 0) throw new KeyvalError('KV_NOT_HELD', `nobody holds the lock under token ${token}`);
  return { ...lock, holders, holderCount: holders.length };
}

function tokenOf(values: Values): bigint | undefined {
  const text = values.text('token');
  if (text === undefined) return undefined;
  if (/^\d{1,20}$/.test(text)) return BigInt(text);
  throw usage(`--token is a fencing token, digits as \`keyval locks ls\` prints them, not '${text}'`);
}

function brokenDocument({ key, broken, lock }: BrokenLock, nowMs: number): Document {
  return {
    ...keyField(key),
    broken: broken.map((loss) => lossDocument(loss, nowMs)),
    lock: lock === null ? null : lockDocument(lock),
  };
}

export function brokenText({ broken, lock }: BrokenLock, operand: string, nowMs: number): string {
  const what =
    broken.length === 0
      ? [`${quoted(operand)} was let go of before it could be taken away`]
      : [...broken.map((loss) => lossText(loss, nowMs)), WARNING];
  return [...what, nextText(lock)].join('\n');
}

function nextText(lock: LockInfo | null): string {
  if (lock === null) return 'Nobody holds it now.';
  const { holders, holderCount } = lock;
  const names = holders.map((holder) => `${holderName(holder)} (${holder.mode}, token ${holder.token})`);
  const more = holderCount - holders.length;
  return `Held now by ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}

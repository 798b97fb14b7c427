/**
 * One process per state directory: a file that names its holder. Where the system tells when a process began (Linux),
 * a number taken by another process since, or a holder that is dead, is no obstacle.
 */
import { linkSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyvalError } from '../errors.ts';

const LOCK_FILE = 'lock';

/** Directories held by this very process: its own number tells it nothing. */
const heldHere = new Set<string>();

let attempts = 0;

export class DirectoryLock {
  readonly #directory: string;
  #isHeld = true;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws KeyvalError KV_USAGE naming the process that holds it */
  static take(path: string): DirectoryLock {
    const directory = realpathSync(path);
    if (heldHere.has(directory)) throw held(path, `this process (${process.pid})`);
    attempts += 1;
    const mine = join(directory, `${LOCK_FILE}-${process.pid}-${attempts}`);
    writeFileSync(mine, `${process.pid} ${beginOf(process.pid) ?? ''}\n`, { mode: 0o600 });
    try {
      takeFile(path, mine, join(directory, LOCK_FILE));
    } finally {
      rmSync(mine, { force: true });
    }
    heldHere.add(directory);
    return new DirectoryLock(directory);
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    heldHere.delete(this.#directory);
    rmSync(join(this.#directory, LOCK_FILE), { force: true });
  }
}

function takeFile(path: string, mine: string, lock: string): void {
  if (tryLink(mine, lock)) return;
  const text = textOf(lock);
  if (text !== null) {
    refuseIfAlive(path, text);
    // Its holder is dead. Only one of several that see this may win: what was moved away must be what was judged.
    const dead = `${mine}-dead`;
    tryRename(lock, dead);
    const moved = textOf(dead);
    if (moved !== null && moved !== text) tryLink(dead, lock);
    rmSync(dead, { force: true });
  }
  if (tryLink(mine, lock)) return;
  throw held(path, `process ${textOf(lock)?.split(' ')[0] ?? 'that started at the same moment'}`);
}

function refuseIfAlive(path: string, text: string): void {
  const [pid, begin] = text.trim().split(' ');
  const number = Number(pid);
  if (!Number.isSafeInteger(number) || number <= 0 || number === process.pid || !isAlive(number)) return;
  const begun = beginOf(number);
  const isAnother = begin !== undefined && begin !== '' && begun !== null && begun !== begin;
  if (!isAnother) throw held(path, `process ${number}`);
}

function held(path: string, holder: string): KeyvalError {
  return new KeyvalError(
    'KV_USAGE',
    `--data: ${path} is held by ${holder}; stop it, or name another directory for this node`,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return beginOf(pid) !== 'dead';
}

/** When a process began, in ticks since the system did; `dead` for one that only waits to be collected; null: unknown. */
function beginOf(pid: number): string | null {
  const stat = textOf(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name in parentheses may hold anything; state is the first field behind it, the beginning the twentieth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : (fields[19] ?? null);
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

function tryRename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
}

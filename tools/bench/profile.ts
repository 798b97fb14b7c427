/**
 * Self times of CPU profiles, as V8 writes them: a tree of call frames, and for each sample the frame on top of the stack
 * and the time since the sample before. A sample's time is that until the next.
 */
export interface Profile {
  readonly nodes: readonly ProfileNode[];
  /** Ids of nodes. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
}

export interface SelfTime {
  readonly name: string;
  readonly micros: number;
}

/** What V8 calls the time in which nothing ran. */
const IDLE = '(idle)';

/** Self time of each function over all profiles, largest first. */
export function selfTimes(profiles: readonly Profile[]): SelfTime[] {
  const times = new Map<string, number>();
  for (const profile of profiles) addProfile(times, profile);
  return [...times].map(([name, micros]) => ({ name, micros })).sort((a, b) => b.micros - a.micros);
}

function addProfile(times: Map<string, number>, { nodes, samples, timeDeltas }: Profile): void {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '(unknown)';
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index + 1] ?? 0));
  });
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${shortUrl(url)}:${lineNumber + 1}`;
}

/** From the last `src/` or `tools/` on. */
function shortUrl(url: string): string {
  const at = Math.max(url.lastIndexOf('/src/'), url.lastIndexOf('/tools/'));
  return at < 0 ? url : url.slice(at + 1);
}

/** The `top` functions with their part of the time in which anything ran, and how much of all time that was. */
export function summaryText(times: readonly SelfTime[], top: number): string {
  const total = sum(times);
  const busy = times.filter(({ name }) => name !== IDLE);
  const busyMicros = sum(busy);
  const lines = busy.slice(0, top).map(({ name, micros }) => `${percent(micros, busyMicros)}  ${name}`);
  return [`busy ${percent(busyMicros, total).trim()} of ${Math.round(total / 1000)} ms`, ...lines].join('\n');
}

function sum(times: readonly SelfTime[]): number {
  return times.reduce((total, { micros }) => total + micros, 0);
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`.padStart(7);
}

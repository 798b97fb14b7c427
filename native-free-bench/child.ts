/** Measures one mode once, in a process that was started in that mode, and tells which add-ons are loaded after it. */
import { answerParent } from '../tools/micro/child.ts';
import { type PathGroup, pathsOf } from '../tools/micro/paths/groups.ts';
import { measurePath } from '../tools/micro/paths/path.ts';
import { loadedAddons } from './addons.ts';
import { type Echo, openEcho } from './web-socket-echo.ts';
import { masking, unmasking } from './web-socket-frames.ts';
import { measureWorkerTask } from './worker-task.ts';

export interface ModeRequest {
  readonly sizes: readonly number[];
  /** Keys in the tables of keyval's own paths. */
  readonly keys: number;
  readonly seconds: number;
}

/** What is measured, for a size of payload; 0: it has none. */
export interface ModeFigure {
  readonly path: string;
  readonly payloadBytes: number;
  readonly nanos: number;
}

export interface ModeAnswer {
  /** The `.node` files in this process. */
  readonly addons: readonly string[];
  readonly execArgv: readonly string[];
  readonly figures: readonly ModeFigure[];
}

/** keyval's own: what happens to a frame on a bare socket, and what it does to the tables. */
const groups: readonly PathGroup[] = ['decoder', 'writer', 'hash-slot', 'key-table', 'lock-table'];

const WARM_UP_BYTES = 256;

answerParent(async (request: ModeRequest): Promise<ModeAnswer> => {
  const figures = [...(await measureWebSocket(request)), ...(await measureOwnPaths(request))];
  const task = await measureWorkerTask(request.seconds);
  figures.push({ path: task.name, payloadBytes: 0, nanos: task.nanos });
  return { addons: loadedAddons(), execArgv: process.execArgv, figures };
});

async function measureWebSocket({ sizes, seconds }: ModeRequest): Promise<ModeFigure[]> {
  const figures: ModeFigure[] = [];
  const echo = await openEcho();
  // The first frames are slow while the engine compiles, whatever their size.
  await echo.measure(WARM_UP_BYTES, 2 * seconds);
  for (const payloadBytes of sizes) figures.push(...(await measureSize(echo, payloadBytes, seconds)));
  await echo.close();
  return figures;
}

async function measureSize(echo: Echo, payloadBytes: number, seconds: number): Promise<ModeFigure[]> {
  const mask = await measurePath(masking(payloadBytes), seconds);
  const unmask = await measurePath(unmasking(payloadBytes), seconds);
  const nanos = await echo.measure(payloadBytes, seconds);
  return [
    { path: 'mask', payloadBytes, nanos: mask.nanos },
    { path: 'unmask', payloadBytes, nanos: unmask.nanos },
    { path: 'echo', payloadBytes, nanos },
  ];
}

async function measureOwnPaths({ keys, seconds }: ModeRequest): Promise<ModeFigure[]> {
  const figures: ModeFigure[] = [];
  for (const group of groups) {
    for (const path of pathsOf(group, { keys })) {
      const { name, nanos } = await measurePath(path, seconds);
      figures.push({ path: name, payloadBytes: 0, nanos });
    }
  }
  return figures;
}

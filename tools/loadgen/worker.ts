/** The task of the pool: one thread of a run, from its connection to its counts. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, KeyvalError } from '../../src/index.ts';
import { clockFrom } from './clock.ts';
import { connectTo } from './connection.ts';
import { Control } from './control.ts';
import { partPath } from './history-parts.ts';
import { HistoryWriter } from './history-writer.ts';
import { Thread, type ThreadCounts, type ThreadTask } from './thread.ts';

/** How often a thread looks for the start and the end of the run, ms. */
const LOOK_MS = 2;
const LOOK_FOR_STOP_MS = 20;

/** What is under way at the end gets this long, ms: a little more than the deadline of a request. */
const GRACE_MS = 6000;

/** An error of keyval loses its code on the way between threads; so it travels as data. */
export type ThreadResult =
  | ThreadCounts
  | { readonly failure: { readonly code: KeyvalError['code']; readonly message: string } };

export default async function work(task: ThreadTask): Promise<ThreadResult> {
  const control = new Control(task.control);
  try {
    return await workConnected(task, control);
  } catch (error) {
    control.stop();
    if (error instanceof KeyvalError) return { failure: { code: error.code, message: error.message } };
    throw error;
  }
}

async function workConnected(task: ThreadTask, control: Control): Promise<ThreadCounts> {
  await using client = await connectTo(task.options, `${task.thread}`);
  control.ready();
  while (control.startedNs === 0 && !control.stopped) await delay(LOOK_MS);
  const history = historyOf(task);
  const thread = new Thread(task);
  const watch = watchStop(thread, client);
  try {
    return await thread.run(client, history);
  } finally {
    watch.end();
    history?.close();
  }
}

function historyOf({ options, thread, originNs }: ThreadTask): HistoryWriter | null {
  if (options.history === null) return null;
  return new HistoryWriter({
    path: partPath(options.history, thread),
    nowNs: clockFrom(originNs),
    writer: thread,
    writers: options.threads + 1,
  });
}

/** Once the run is stopped, requests that are not answered in time end with the client. */
function watchStop(thread: Thread, client: Client): { end(): void } {
  let grace: NodeJS.Timeout | undefined;
  const look = setInterval(() => {
    if (!thread.stopped) return;
    clearInterval(look);
    grace = setTimeout(() => {
      thread.cut();
      void client.close();
    }, GRACE_MS);
  }, LOOK_FOR_STOP_MS);
  return {
    end: () => {
      clearInterval(look);
      clearTimeout(grace);
    },
  };
}

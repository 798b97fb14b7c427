/** The opponent: an echo client, which has its server in another process. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { answerRequests } from './answer-requests.ts';
import type { Contender, Loop, Workload, WorkloadOptions } from './contender.ts';
import { EchoConnection } from './echo-connection.ts';

const serverEntry = fileURLToPath(new URL('./echo-server.ts', import.meta.url));

await answerRequests(startEcho);

async function startEcho(): Promise<Contender> {
  const server = fork(serverEntry);
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  return { prepare: (options) => prepare(server, port, options) };
}

async function prepare(server: ChildProcess, port: number, { loops, frameBytes }: WorkloadOptions): Promise<Workload> {
  const connection = await EchoConnection.open({ port, loops, frameBytes });
  return {
    loops: Array.from({ length: loops }, (_, loop) => echoLoop(connection, loop)),
    serverCpuMicros: () => cpuMicrosOf(server),
    close: async () => connection.close(),
  };
}

function echoLoop(connection: EchoConnection, loop: number): Loop {
  const send = (arrived: () => void): void => connection.send(loop, arrived);
  return async (tally) => {
    do {
      await new Promise<void>(send);
      tally.count += 1;
    } while (!tally.isStopped);
  };
}

async function cpuMicrosOf(server: ChildProcess): Promise<number> {
  server.send({ type: 'cpu' });
  const [{ micros }] = (await once(server, 'message')) as [{ micros: number }];
  return micros;
}

/**
 * What the renewal thread runs (thread.ts): for each client of the process connections of its own, and a renewer. It goes on
 * while the main thread is busy, and stops when the whole process does.
 */
import { parentPort } from 'node:worker_threads';
import { Turn } from '../../base/turn.ts';
import { systemClock, systemTimers, threadOriginMs } from '../../io/clock.ts';
import { systemCrypto, systemRandom } from '../../io/random.ts';
import { tcpTransport } from '../../io/tcp-transport.ts';
import { bufferCodec } from '../codecs.ts';
import { Dispatcher } from '../dispatcher.ts';
import type { ClientPorts } from '../node-link.ts';
import { LeaseBoard } from './lease-board.ts';
import { Pulse } from './pulse.ts';
import { Renewer } from './renewer.ts';
import type { RenewalNews, RenewalOrder, RenewalWork } from './work.ts';

const originMs = threadOriginMs();
const ports: ClientPorts = {
  transport: tcpTransport,
  timers: systemTimers,
  clock: systemClock,
  random: systemRandom,
  crypto: systemCrypto,
  turn: new Turn(systemTimers.atTurnEnd),
};
const renewers = new Map<number, Renewer>();

function renewerOf(
  client: number,
  { endpoints, login, session, leaseMs, hangBudgetMs, leases, pulse }: RenewalWork,
): Renewer {
  const ignore = (): void => undefined;
  const events = {
    linkChanged: ignore,
    attached: ignore,
    attachmentLost: ignore,
    primariesFound: ignore,
    lockWanted: ignore,
    lockBroken: (): void => parentPort?.postMessage({ client } satisfies RenewalNews),
  };
  const dispatcher = new Dispatcher(endpoints, ports, login, leaseMs, bufferCodec, events);
  dispatcher.session.id.set(session);
  return new Renewer({ dispatcher, board: new LeaseBoard(leases, originMs), pulse: new Pulse(pulse), hangBudgetMs });
}

function take({ client, work }: RenewalOrder): void {
  if (work !== null) return void renewers.set(client, renewerOf(client, work));
  void renewers.get(client)?.close();
  renewers.delete(client);
}

parentPort?.on('message', take);

/**
 * What the liveness thread runs (liveness-thread.ts): it watches the rounds of the main thread, and tells the other nodes
 * while there are none. It goes on when the main thread is busy, and stops when the whole process does.
 */
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { Turn } from '../base/turn.ts';
import type { HelloFields } from '../protocol/login.ts';
import { systemTimers } from './clock.ts';
import { LivenessLink, type LivenessLinkHost } from './liveness-link.ts';
import { LivenessWatch, LOOK_MS } from './liveness-watch.ts';
import { tcpTransportOf } from './tcp-transport.ts';

/** What the thread is started with. */
export interface LivenessWork {
  /** The main thread counts its rounds in it. */
  readonly rounds: Int32Array<SharedArrayBuffer>;
  /** Where the node listens. */
  readonly host: string;
  readonly secret: Uint8Array | null;
}

/** Whom to tell from now on, and how to log in there. */
export interface LivenessPeers {
  readonly addresses: readonly string[];
  readonly hello: HelloFields;
}

const { rounds, host, secret } = workerData as LivenessWork;
const linkHost: LivenessLinkHost = { transport: tcpTransportOf(host), turn: new Turn(systemTimers.atTurnEnd), secret };
const links = new Map<string, LivenessLink>();
let self: HelloFields | null = null;

function keepTo({ addresses, hello }: LivenessPeers): void {
  self = hello;
  for (const [address, link] of links) {
    if (addresses.includes(address)) continue;
    link.close();
    links.delete(address);
  }
  for (const address of addresses) {
    const link = links.get(address);
    if (link === undefined) links.set(address, new LivenessLink(address, hello, linkHost));
    else link.hello = hello;
  }
}

function look(watch: LivenessWatch): void {
  const nowMs = performance.now();
  const stalledMs = watch.look(nowMs, Atomics.load(rounds, 0));
  for (const link of links.values()) link.keep(nowMs);
  const peer = self?.peer ?? null;
  if (stalledMs === 0 || peer === null) return;
  const { incarnation, nodeId } = peer;
  for (const link of links.values()) link.tell({ incarnation, nodeId, stalledMs });
}

const watch = new LivenessWatch(performance.now(), Atomics.load(rounds, 0));
parentPort?.on('message', keepTo);
setInterval(look, LOOK_MS, watch);

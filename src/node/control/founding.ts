/**
 * Founding, exactly once (shared design, "The control plane"). Only a node that never belonged to a cluster takes part:
 *
 *     asker (lowest address)                        the others
 *     all linked, none in a cluster
 *     makes one set, keeps it as its own promise
 *                       FNDQ set ───────────────►   same list, same options, nothing else promised: keeps the promise
 *                       ◄─────────────── FNDA
 *     all have promised: founds
 *                       FNDC cluster ───────────►   found the same from their promise
 *
 * Each arrow may be lost and each side may die between any two steps: what was promised and founded is kept before it is
 * told. The set is founded by the asker first, and by others only once they hear of somebody who belongs to its cluster.
 * So as long as the asker has not founded nobody has; that is why it may ask for another set, and why nobody else may.
 */
import { ByteWriter } from '../../base/byte-writer.ts';
import type { TimerHandle } from '../../base/ports.ts';
import * as codec from '../../protocol/control-codec.ts';
import type { FrameWriter } from '../../protocol/frame-writer.ts';
import * as op from '../../protocol/opcode.ts';
import { IDENTITY_FILE } from '../../raft/identity.ts';
import { damaged } from '../../raft/state-errors.ts';
import {
  drawClusterId,
  founderOf,
  givesWay,
  isCurrent,
  isVoid,
  type Own,
  objection,
  settingsOf,
} from './founding-set.ts';
import type { ControlIdentity, ControlPorts } from './host.ts';
import type { LinkedPeer, LinkedPeers } from './linked-peers.ts';
import type { StateKeeper } from './state-keeper.ts';
import type { Waiting } from './waiting.ts';

type FoundingSet = codec.FoundingSet;

const ASK_AGAIN_MS = 500;
const MS_PER_SECOND = 1000;

export interface FoundingHost {
  readonly ports: ControlPorts;
  readonly identity: ControlIdentity;
  readonly keeper: StateKeeper;
  readonly peers: LinkedPeers;
  readonly waiting: Waiting;
  send(address: string, opcode: number, encode: (frames: FrameWriter) => void): boolean;
  /** All have promised the set, or somebody has founded it. */
  found(set: FoundingSet): void;
  /** A member of this cluster is linked: it is to be asked to take this node in. */
  join(clusterId: string): void;
}

export class Founding {
  readonly #host: FoundingHost;
  #promise: FoundingSet | null;
  /** Addresses of those who have told that they keep the present promise. */
  readonly #promised = new Set<string>();
  /** By address, how the others were started, as they tell. */
  readonly #candidates = new Map<string, codec.Founder>();
  /** By address, why not. */
  readonly #refused = new Map<string, string>();
  #askedMs = Number.NEGATIVE_INFINITY;
  #toldObjection = '';
  /** Looks again when the second of founding has come. */
  #timer: TimerHandle | null = null;

  /** @throws KeyvalError when the promise in the directory cannot be read */
  constructor(host: FoundingHost) {
    this.#host = host;
    const { promise, path } = host.keeper;
    this.#promise = promise.length === 0 ? null : codec.decodeFoundingSet(promise);
    if (promise.length > 0 && this.#promise === null) {
      throw damaged(path, IDENTITY_FILE, 0, 'what it has promised is no founding set');
    }
  }

  get #own(): Own {
    const { identity, keeper } = this.#host;
    return { identity, nodeId: keeper.nodeId, isVolatile: keeper.isVolatile };
  }

  /** Something has changed, or time has passed. */
  consider(): void {
    const { keeper, peers, waiting } = this.#host;
    if (keeper.clusterId !== '' || keeper.isBusy) return;
    const { clusters } = peers;
    const [cluster] = clusters;
    const promise = this.#promise;
    if (promise !== null && clusters.includes(promise.clusterId)) return this.#host.found(promise);
    if (cluster === undefined) return this.#found();
    if (clusters.length > 1) return waiting.for(`the other nodes to belong to one cluster: ${this.#clustersText()}`);
    if (promise !== null && !isVoid(promise, this.#own, peers)) return waiting.for(this.#boundText(promise, cluster));
    this.#host.join(cluster);
  }

  #clustersText(): string {
    const members = this.#host.peers.all.filter(({ clusterId }) => clusterId !== '');
    const list = members.map(({ address, clusterId }) => `${address} belongs to ${clusterId}`).join(', ');
    return `${list}; check --peers of this node`;
  }

  #boundText({ clusterId, founders }: FoundingSet, cluster: string): string {
    const asker = founders[0]?.address;
    return (
      `${asker}, to which this node has promised to found cluster ${clusterId} with it, before it may join ${cluster}; ` +
      `if ${asker} is gone for good, stop this node, move its state directory away and start it again`
    );
  }

  // ── the one who asks ──

  #found(): void {
    const { identity, peers, waiting } = this.#host;
    if (!this.#self.mayVote) {
      return waiting.for(
        'a member of a cluster: without a state directory (--data) a node founds none, unless --new is given',
      );
    }
    const others = identity.founders.filter((address) => address !== identity.address);
    const missing = others.filter((address) => peers.at(address) === null);
    if (missing.length > 0)
      return waiting.for(`${missing.join(', ')} of --peers: not linked, so no cluster is founded yet`);
    const asker = identity.founders[0] as string;
    if (asker !== identity.address) return waiting.for(this.#askerText(asker));
    const silent = others.filter((address) => !this.#candidates.has(address));
    if (silent.length > 0) return waiting.for(`${silent.join(', ')} to say how they were started`);
    const nobodyKeepsKeys = [...this.#candidates.values(), this.#self].every(({ role }) => role === 'witness');
    if (nobodyKeepsKeys)
      return waiting.for('a node of --peers that is started without --witness: nobody would keep keys');
    this.#ask();
  }

  get #self(): codec.Founder {
    return founderOf(this.#own);
  }

  #askerText(asker: string): string {
    const promise = this.#promise;
    if (promise === null) return `${asker} to ask for the founding of the cluster`;
    return `${promise.founders[0]?.address} to found cluster ${promise.clusterId}, as promised`;
  }

  #ask(): void {
    const promise = this.#promise;
    const own = this.#own;
    const { peers, identity, waiting, ports } = this.#host;
    if (promise === null) return this.#propose(1);
    if (promise.founders[0]?.nodeId !== own.nodeId) return waiting.for(otherPromiseText(promise));
    if (!isCurrent(promise, own, peers)) return this.#propose(promise.attempt + 1);
    const open = identity.founders.filter((address) => address !== identity.address && !this.#promised.has(address));
    if (open.length === 0) return this.#foundInTime(promise);
    const nowMs = ports.clock.monotonicMs();
    if (nowMs - this.#askedMs >= ASK_AGAIN_MS) {
      this.#askedMs = nowMs;
      for (const address of open)
        this.#host.send(address, op.FNDQ, (frames) => codec.encodeFoundingSet(frames, promise));
    }
    const texts = open.map((address) => `${address} (${this.#refused.get(address) ?? 'no answer yet'})`);
    waiting.for(`the promise to found the cluster of ${texts.join(', ')}`);
  }

  /**
   * Epochs begin with the second of founding: where no directory says so, a cluster knows nothing of the one before it, and
   * of two that were founded in the same second tokens would be the same (L2).
   */
  #foundInTime(promise: FoundingSet): void {
    const { timers, clock } = this.#host.ports;
    const earlyMs = promise.foundedAtSeconds * MS_PER_SECOND - clock.unixMs();
    if (earlyMs <= 0 || earlyMs > MS_PER_SECOND) return this.#host.found(promise); // more: the clock was set back
    this.#timer?.cancel();
    this.#timer = timers.after(earlyMs, () => this.consider());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Makes a new set; it counts once it is kept. */
  #propose(attempt: number): void {
    const { identity, ports } = this.#host;
    const founders = identity.founders.map((address) => this.#candidates.get(address) ?? this.#self);
    const foundedAtSeconds = Math.floor(ports.clock.unixMs() / MS_PER_SECOND) + 1;
    const clusterId = drawClusterId(ports.random);
    const set = { clusterId, attempt, foundedAtSeconds, settings: settingsOf(identity), founders };
    this.#keep(set, () => this.consider());
  }

  #keep(set: FoundingSet, done: () => void): void {
    const writer = new ByteWriter();
    codec.encodeFoundingSet(writer, set);
    this.#host.keeper.keepPromise(writer.finish(), () => {
      this.#promise = set;
      // Answers that came in the meantime were about the former one.
      this.#promised.clear();
      this.#refused.clear();
      this.#askedMs = Number.NEGATIVE_INFINITY;
      done();
    });
  }

  /** A node without a cluster tells how it was started. */
  candidate(address: string, founder: codec.Founder): void {
    const peer = this.#host.peers.at(address);
    if (peer === null || founder.address !== address || founder.nodeId !== peer.nodeId) return;
    this.#candidates.set(address, founder);
    this.consider();
  }

  /** The link to it is gone, or leads to another life of it. */
  unlinked(address: string): void {
    this.#candidates.delete(address);
  }

  answered(address: string, { clusterId, isPromised, why }: codec.FoundingAnswer): void {
    if (clusterId !== this.#promise?.clusterId) return; // of an attempt that is over
    if (isPromised) this.#promised.add(address);
    else this.#refused.set(address, why);
    this.consider();
  }

  // ── those who are asked ──

  asked(address: string, set: FoundingSet): void {
    const { keeper, peers } = this.#host;
    const asker = peers.at(address);
    if (asker === null || keeper.clusterId !== '' || keeper.isBusy) return; // it asks again
    const why = this.#objection(set, asker);
    if (why !== '') return this.#refuse(address, set, why);
    if (set.clusterId === this.#promise?.clusterId) return this.#answer(address, set, true, '');
    this.#keep(set, () => this.#answer(address, set, true, ''));
  }

  #objection(set: FoundingSet, asker: LinkedPeer): string {
    const own = this.#own;
    const { peers } = this.#host;
    const promise = this.#promise;
    if (promise?.clusterId === set.clusterId) return '';
    const member = peers.all.find(({ clusterId }) => clusterId !== '');
    if (member !== undefined) return `${member.address} belongs to cluster ${member.clusterId} already`;
    if (promise !== null && !givesWay(promise, set, own))
      return `it has promised something else: ${otherPromiseText(promise)}`;
    return objection(set, asker, own);
  }

  #refuse(address: string, set: FoundingSet, why: string): void {
    const { log } = this.#host.ports;
    if (this.#toldObjection !== why) log.write('warn', 'founding refused', { asker: address, why });
    this.#toldObjection = why;
    this.#answer(address, set, false, why);
  }

  #answer(address: string, { clusterId }: FoundingSet, isPromised: boolean, why: string): void {
    this.#host.send(address, op.FNDA, (frames) => codec.encodeFoundingAnswer(frames, { clusterId, isPromised, why }));
  }
}

function otherPromiseText({ clusterId, founders }: FoundingSet): string {
  const list = founders.map(({ address }) => address).join(',');
  return (
    `${founders[0]?.address}, to which this node has promised to found cluster ${clusterId} of ${list}; if that is not ` +
    'wanted any more, stop this node, move its state directory away and start it again'
  );
}

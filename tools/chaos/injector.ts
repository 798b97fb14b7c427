/** Brings one fault about, waits for the cluster to get over it, and says what the load saw meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Prng } from '../../src/base/prng.ts';
import { type Fault, type FaultKind, shuffled } from './faults.ts';
import type { ChaosNode } from './nodes.ts';
import { NO_FAULTS } from './relays.ts';
import type { Scene } from './scene.ts';
import { partitionsOf, type WhoIsWho } from './who-is-who.ts';

/** What a fault was and what came of it. */
export interface Incident {
  readonly kind: FaultKind;
  /** The node it fell on. */
  readonly node: string;
  /** Partitions that the node was primary of. */
  readonly primaryOf: number;
  readonly hitCommander: boolean;
  readonly forgot: boolean;
  /**
   * Of each partition whose primary was killed: ms from the kill to the first success of a request sent after it, Infinity
   * if there was none. Empty for other faults.
   */
  readonly failoversMs: readonly number[];
  /** Longest time that any partition did not answer, from the fault until the cluster was whole again. */
  readonly longestGapMs: number;
  /** Where that was, and when it ended, counted from the fault. */
  readonly longestGapAt: { readonly partition: number; readonly endMs: number };
  /** Requests of unknown outcome meanwhile. */
  readonly unknown: number;
  /** What the cluster had not got over when the time for it was up; null: it had. */
  readonly obstacle: string | null;
}

const NS_PER_MS = 1e6;
const NO_GAP = { partition: 0, ns: 0, endNs: 0 } as const;
/** The new primary has to answer within this. */
const FAILOVER_MS_MAX = 15_000;
/** Every replica has to be in sync again within this. */
const WHOLE_MS_MAX = 45_000;
/** A link with a delay, and one with a clog. */
const DELAY = { delayMs: 40, jitterMs: 80 } as const;
const CLOG = { bytesPerSecond: 30_000 } as const;

export class Injector {
  readonly #scene: Scene;
  readonly #random: Prng;

  constructor(scene: Scene, random: Prng) {
    this.#scene = scene;
    this.#random = random;
  }

  /** The cluster must be whole: what one fault did is not mixed with what the next one does. */
  async bring(fault: Fault): Promise<Incident> {
    const { load } = this.#scene;
    const before = await this.#scene.whoIsWho();
    const node = this.#target(fault, before);
    const led = partitionsOf(before, node.name);
    const unknownBefore = load.sightings.totals.unknown;
    const failoversMs = await this.#carryOut(fault, node, led);
    const obstacle = (await this.#comesBack(fault, node)) ?? (await this.#scene.untilWhole(WHOLE_MS_MAX));
    return {
      kind: fault.kind,
      node: node.name,
      primaryOf: led.length,
      hitCommander: before.commander === node.name,
      forgot: fault.forgets && fault.kind.startsWith('kill'),
      failoversMs,
      ...this.#longestGap(),
      unknown: load.sightings.totals.unknown - unknownBefore,
      obstacle,
    };
  }

  #target({ aim }: Fault, now: WhoIsWho): ChaosNode {
    const up = this.#scene.nodes.up;
    const commander = up.find(({ name }) => name === now.commander);
    if (aim === 'commander' && commander !== undefined) return commander;
    // The commander has kills of its own.
    const leading = up.filter((node) => node !== commander && partitionsOf(now, node.name).length > 0);
    const among = aim === 'primary' && leading.length > 0 ? leading : up;
    return among[this.#random.below(among.length)] as ChaosNode;
  }

  #carryOut(fault: Fault, node: ChaosNode, led: readonly number[]): Promise<number[]> {
    switch (fault.kind) {
      case 'kill of a primary':
      case 'kill of the commander':
      case 'kill of any node':
        return this.#kill(fault, node, led);
      case 'pause':
        return this.#pause(fault, node);
      default:
        return this.#disturb(fault, node);
    }
  }

  #mark(): void {
    const { load } = this.#scene;
    load.sightings.mark(load.nowNs());
  }

  async #kill({ lastsMs }: Fault, node: ChaosNode, led: readonly number[]): Promise<number[]> {
    const { sightings } = this.#scene.load;
    const used = new Set(sightings.seen);
    const watched = led.filter((partition) => used.has(partition));
    const gone = node.kill();
    this.#mark();
    await gone;
    await this.#scene.untilSeen(watched, FAILOVER_MS_MAX);
    const failovers = watched.map((partition) => sightings.firstSuccessNs(partition) ?? Number.POSITIVE_INFINITY);
    await delay(lastsMs);
    return failovers.map((ns) => ns / NS_PER_MS);
  }

  /** A killed node is started again; gives what is wrong with that. */
  async #comesBack({ forgets }: Fault, node: ChaosNode): Promise<string | null> {
    if (node.isUp) return null;
    await node.start({ forget: forgets });
    return node.untilReady();
  }

  async #pause({ lastsMs }: Fault, node: ChaosNode): Promise<never[]> {
    const { awake } = await node.pause(lastsMs);
    this.#mark();
    await awake;
    return [];
  }

  async #disturb(fault: Fault, node: ChaosNode): Promise<never[]> {
    const { relays, hosts } = this.#scene;
    const nodes = hosts.nodes.map(({ host }) => host).filter((host) => host !== node.hosts.host);
    const others = fault.kind === 'clients cut off' ? hosts.clients : this.#some(nodes, fault.share);
    await this.#strike(fault, node.hosts.host, others);
    this.#mark();
    await delay(fault.lastsMs);
    await relays.between(node.hosts.host, [...others, ...hosts.clients], NO_FAULTS);
    return [];
  }

  async #strike({ kind, loses, inwards }: Fault, host: string, others: readonly string[]): Promise<void> {
    const { relays, hosts } = this.#scene;
    const cut = loses ? 'drop' : 'hold';
    if (kind === 'reset') await relays.reset(host, [...others, ...hosts.clients]);
    else if (kind === 'delay') await relays.between(host, [...others, ...hosts.clients], DELAY);
    else if (kind === 'clog') await relays.between(host, others, CLOG);
    else if (kind !== 'one-way partition') await relays.between(host, others, { cut });
    else if (inwards) await relays.oneWay(others, [host], cut);
    else await relays.oneWay([host], others, cut);
  }

  /** At least one. */
  #some(hosts: readonly string[], share: number): string[] {
    return shuffled(hosts, this.#random).slice(0, Math.max(1, Math.round(hosts.length * share)));
  }

  #longestGap(): Pick<Incident, 'longestGapMs' | 'longestGapAt'> {
    const { sightings, nowNs } = this.#scene.load;
    const now = nowNs();
    const gaps = sightings.seen.map((partition) => ({ partition, ...sightings.longestGap(partition, now) }));
    const { partition, ns, endNs } = gaps.sort((one, other) => other.ns - one.ns)[0] ?? NO_GAP;
    return { longestGapMs: ns / NS_PER_MS, longestGapAt: { partition, endMs: endNs / NS_PER_MS } };
  }
}

/**
 * A few control planes in one process, decided by a seed: virtual time, links that bring frames in order or break with
 * all that is on them, disks that crash as disks do. What everybody has seen of the book is compared as it happens.
 */
import { BinaryHeap } from '../../../../src/base/binary-heap.ts';
import { Prng } from '../../../../src/base/prng.ts';
import type { Book } from '../../../../src/cluster/book.ts';
import { encodeBook } from '../../../../src/cluster/book-codec.ts';
import type { FoundingSettings } from '../../../../src/protocol/control-codec.ts';
import { SimNode } from './sim-node.ts';

export interface NodeOptions {
  readonly founders?: readonly string[];
  readonly role?: 'data' | 'witness';
  readonly isVolatile?: boolean;
  readonly settings?: Partial<FoundingSettings>;
}

export interface WorldOptions {
  /** Longest way of a frame. */
  readonly delayMaxMs?: number;
  /** Longest write. */
  readonly diskMaxMs?: number;
}

interface Link {
  readonly one: SimNode;
  readonly other: SimNode;
  /** Counts the times it came up; frames of former times are lost. */
  life: number;
  isUp: boolean;
  isComing: boolean;
  readonly arrivesMs: Map<SimNode, number>;
}

const UNIX_MS = 1_767_225_600_000;

export class World {
  nowMs = 0;
  events = 0;
  readonly random: Prng;
  readonly nodes: Map<string, SimNode> = new Map();
  /** Called before each event. */
  beforeEvent: (() => void) | null = null;
  /** Both are up, and yet no packet gets through. */
  readonly cuts: Set<string> = new Set();
  readonly options: Required<WorldOptions>;
  readonly #links = new Map<string, Link>();
  readonly #heap = new BinaryHeap();
  readonly #actions = new Map<number, () => void>();
  #next = 0;
  /** `cluster:version` → the book, as the first one has it. */
  readonly #books = new Map<string, string>();

  constructor(seed = 1, options: WorldOptions = {}) {
    this.random = new Prng(seed);
    this.options = { delayMaxMs: 2, diskMaxMs: 3, ...options };
  }

  get unixMs(): number {
    return UNIX_MS + Math.floor(this.nowMs);
  }

  // ── nodes ──

  /** Nodes that know each other by the same list. */
  static of(addresses: readonly string[], seed = 1, options: WorldOptions = {}): World {
    const world = new World(seed, options);
    for (const address of addresses) world.add(address, { founders: addresses });
    return world;
  }

  add(address: string, options: NodeOptions = {}): SimNode {
    const node = new SimNode(this, address, options);
    for (const other of this.nodes.values()) this.#link(node, other);
    this.nodes.set(address, node);
    node.start();
    return node;
  }

  node(address: string): SimNode {
    const node = this.nodes.get(address);
    if (node === undefined) throw new Error(`no node ${address}`);
    return node;
  }

  get up(): SimNode[] {
    return [...this.nodes.values()].filter((node) => node.plane !== null);
  }

  get commander(): SimNode | null {
    return this.up.find((node) => node.plane?.isCommander) ?? null;
  }

  /** Clusters that anybody belongs to, by node. */
  get clusters(): string[] {
    return [...new Set([...this.nodes.values()].map((node) => node.clusterId).filter((id) => id !== ''))];
  }

  // ── links ──

  #link(one: SimNode, other: SimNode): void {
    const key = keyOf(one.address, other.address);
    this.#links.set(key, { one, other, life: 0, isUp: false, isComing: false, arrivesMs: new Map() });
  }

  linkOf(one: string, other: string): Link {
    const link = this.#links.get(keyOf(one, other));
    if (link === undefined) throw new Error(`no link ${one} ${other}`);
    return link;
  }

  /** Dials wherever two are up and no link is. */
  dial(node: SimNode): void {
    for (const link of this.#links.values()) if (link.one === node || link.other === node) this.#dial(link);
  }

  #dial(link: Link): void {
    const { one, other } = link;
    const canBe = one.plane !== null && other.plane !== null && !this.cuts.has(keyOf(one.address, other.address));
    if (link.isUp || link.isComing || !canBe) return;
    link.isComing = true;
    link.life += 1;
    const { life } = link;
    this.after(1 + this.random.below(5), () => {
      if (link.life !== life) return;
      if (one.plane === null || other.plane === null) return this.breakLink(link);
      // The login has told this; until both know of the link it may have changed.
      const facts = [one.facts, other.facts] as const;
      link.isUp = true;
      link.isComing = false;
      // Frames come behind the login: one side may be done with it before the other.
      const onesMs = this.nowMs + this.random.below(4);
      const othersMs = this.nowMs + this.random.below(4);
      link.arrivesMs.set(other, onesMs).set(one, othersMs);
      this.after(onesMs - this.nowMs, () => link.life === life && one.linked(other, facts[1]));
      this.after(othersMs - this.nowMs, () => link.life === life && other.linked(one, facts[0]));
    });
  }

  breakLink(link: Link): void {
    const { one, other } = link;
    link.life += 1;
    link.isUp = false;
    link.isComing = false;
    one.unlinked(other);
    other.unlinked(one);
    this.after(20 + this.random.below(50), () => this.#dial(link));
  }

  /** Breaks everything of a node that has died. */
  breakLinks(node: SimNode): void {
    for (const link of this.#links.values()) if (link.one === node || link.other === node) this.breakLink(link);
  }

  cut(one: string, other: string): void {
    this.cuts.add(keyOf(one, other));
    this.breakLink(this.linkOf(one, other));
  }

  heal(): void {
    this.cuts.clear();
    for (const link of this.#links.values()) this.#dial(link);
  }

  send(from: SimNode, address: string, opcode: number, frame: Uint8Array): boolean {
    const link = this.#links.get(keyOf(from.address, address));
    if (link === undefined || !link.isUp || !from.isLinked(address)) return false;
    const to = link.one === from ? link.other : link.one;
    const { life } = link;
    const soonestMs = this.nowMs + this.random.float() * this.options.delayMaxMs;
    const arrivesMs = Math.max(soonestMs, link.arrivesMs.get(from) ?? 0);
    link.arrivesMs.set(from, arrivesMs);
    this.after(arrivesMs - this.nowMs, () => {
      if (link.life === life) to.receive(from, opcode, frame);
    });
    return true;
  }

  // ── time ──

  after(afterMs: number, run: () => void): number {
    this.#next += 1;
    this.#actions.set(this.#next, run);
    this.#heap.push(this.nowMs + afterMs, this.#next);
    return this.#next;
  }

  cancel(event: number): void {
    this.#actions.delete(event);
  }

  /** Lets time pass, until `isDone`. */
  run(forMs: number, isDone: () => boolean = () => false): boolean {
    const untilMs = this.nowMs + forMs;
    while (this.#heap.peekDeadline() <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.#heap.peekDeadline());
      const event = this.#heap.pop();
      const run = this.#actions.get(event);
      this.#actions.delete(event);
      if (run === undefined) continue;
      this.events += 1;
      this.beforeEvent?.();
      run();
      if (isDone()) return true;
    }
    this.nowMs = untilMs;
    return isDone();
  }

  /** Waits for it, or says who is where. */
  until(what: string, isDone: () => boolean, forMs = 20_000): void {
    if (isDone() || this.run(forMs, isDone)) return;
    throw new Error(`not within ${forMs} ms: ${what}\n${[...this.nodes.values()].map((node) => node.text).join('\n')}`);
  }

  /** Everybody who is up belongs to one cluster, is named by the book, and has the same book. */
  get isSettled(): boolean {
    const { up } = this;
    const books = new Set(up.map((node) => textOf(node.plane?.book ?? null)));
    return books.size === 1 && this.commander !== null && up.every((node) => node.plane?.status.state === 'member');
  }

  // ── what must hold ──

  sawBook(node: SimNode, book: Book): void {
    const key = `${book.settings.clusterId}:${book.version}`;
    const text = textOf(book);
    const known = this.#books.get(key);
    if (known === undefined) this.#books.set(key, text);
    else if (known !== text) throw new Error(`${node.address} has another book ${key}\n${text}\n${known}`);
  }
}

export function textOf(book: Book | null): string {
  return book === null ? '' : Buffer.from(encodeBook(book)).toString();
}

function keyOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

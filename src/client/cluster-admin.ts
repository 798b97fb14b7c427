/** What operators ask about the cluster, and of it: any node answers from its copy of the book. */
import { flag, OptionTable, text } from '../base/option-table.ts';
import { KeyvalError } from '../errors.ts';
import type {
  ClusterRequest,
  MembersAnswer,
  PartitionFacts,
  PartitionsAnswer,
  ReformAnswer,
  StatusAnswer,
  TransferAnswer,
} from '../protocol/cluster-facts.ts';
import { CLUS } from '../protocol/opcode.ts';
import { type Bounds, NO_PARTITION, requestBody } from './body-request.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Key } from './key-buffer.ts';
import {
  type BreakOptions,
  type BrokenLock,
  LockAdmin,
  type LockList,
  type LockState,
  type LocksOptions,
} from './lock-admin.ts';
import type { NodeLink } from './node-link.ts';
import { mustFit } from './request-options.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What one node says, or why it says nothing. */
export type ClusterView =
  | { readonly endpoint: string; readonly answer: StatusAnswer }
  | { readonly endpoint: string; readonly error: KeyvalError };

export interface PartitionsOptions {
  /** Only those that the node at this address keeps, or is to keep. */
  readonly of?: string;
  /** Only those whose every copy is gone. */
  readonly lost?: boolean;
}

const partitionsTable: OptionTable<PartitionsOptions> = new OptionTable('partitions', { of: text, lost: flag });

export class ClusterAdmin {
  readonly #dispatcher: Dispatcher;
  readonly #bounds: () => Bounds;

  constructor(dispatcher: Dispatcher, bounds: () => Bounds) {
    this.#dispatcher = dispatcher;
    this.#bounds = bounds;
  }

  /** What every node says: they may differ while some cannot reach the others. */
  views(): Promise<ClusterView[]> {
    return Promise.all(this.#links.map((link) => this.#viewOf(link)));
  }

  async #viewOf(link: NodeLink): Promise<ClusterView> {
    const { endpoint } = link;
    try {
      if (!link.up && link.lastError !== null) throw link.lastError;
      return { endpoint, answer: await this.#ask<StatusAnswer>(link, { command: 'status' }) };
    } catch (error) {
      if (!(error instanceof KeyvalError) || error.code === 'KV_ABORTED') throw error;
      return { endpoint, error };
    }
  }

  members(): Promise<MembersAnswer> {
    return this.#ask(this.#anyLink(), { command: 'members' });
  }

  async partitions(options: PartitionsOptions = {}): Promise<PartitionFacts[]> {
    mustFit(partitionsTable, options);
    const link = this.#anyLink();
    const found: PartitionFacts[] = [];
    for (let from: number | null = 0; from !== null; ) {
      const answer: PartitionsAnswer = await this.#ask(link, { command: 'partitions', from, ...options });
      found.push(...answer.partitions);
      from = answer.next;
    }
    return found;
  }

  /** Asks the present primary, as the routing table has it. @throws KeyvalError KV_USAGE, KV_NO_QUORUM */
  transfer(partition: number, to?: string): Promise<TransferAnswer> {
    const { router } = this.#dispatcher;
    const primary = router.known ? router.linkOf(partition) : null;
    return this.#ask(primary ?? this.#anyLink(), {
      command: 'transfer',
      partition,
      ...(to === undefined ? {} : { to }),
    });
  }

  /** @throws KeyvalError KV_USAGE where there is nothing to reform, or it is not possible */
  async reform(endpoint: string, isTrial: boolean): Promise<ReformAnswer> {
    const link = this.#links.find((one) => one.endpoint === endpoint);
    if (link === undefined) throw new KeyvalError('KV_USAGE', `${endpoint} is not a node of the cluster`);
    return this.#ask(link, { command: 'reform', isTrial });
  }

  /** Locks that are held, over all nodes (L14). @throws KeyvalError KV_USAGE */
  locks(options: LocksOptions = {}): Promise<LockList> {
    return this.#lockAdmin.list(options);
  }

  /** All locks that somebody waits for, with those who hold them and those who wait. */
  waitedLocks(): Promise<LockList> {
    return this.#lockAdmin.waited();
  }

  /** Who holds the lock of a key, who waits for it, and how it was lost last. */
  lock(key: Key): Promise<LockState> {
    return this.#lockAdmin.state(key);
  }

  /**
   * Takes the lock of a key away from whoever holds it, or from whoever holds it under `token`. The next in line gets it at
   * once; the former holder is told (`on('lost')` with cause `broken`), and may go on working until then.
   * @throws KeyvalError KV_NOT_FOUND when nobody holds it, KV_NOT_HELD when nobody does under `token`, KV_NO_QUORUM, …
   */
  breakLock(key: Key, options: BreakOptions = {}): Promise<BrokenLock> {
    return this.#lockAdmin.break(key, options);
  }

  get #lockAdmin(): LockAdmin {
    return new LockAdmin({ dispatcher: this.#dispatcher, links: this.#links, bounds: this.#bounds });
  }

  /** Members of the table, or the endpoints given while none is known. */
  get #links(): readonly NodeLink[] {
    const { router, links } = this.#dispatcher;
    return router.links.length > 0 ? router.links : links;
  }

  #anyLink(): NodeLink {
    const links = this.#links;
    return links.find(({ up }) => up) ?? (links[0] as NodeLink);
  }

  async #ask<T>(link: NodeLink, request: ClusterRequest): Promise<T> {
    const body = encoder.encode(JSON.stringify(request));
    const answer = await requestBody(this.#dispatcher, {
      opcode: CLUS,
      body,
      partition: NO_PARTITION,
      link,
      ...this.#bounds(),
      once: true,
      changes: request.command === 'transfer' || (request.command === 'reform' && !request.isTrial),
    });
    try {
      return JSON.parse(decoder.decode(answer)) as T;
    } catch (cause) {
      throw new KeyvalError('KV_BAD_FRAME', `${link.endpoint} answers CLUS with what is no JSON`, { cause });
    }
  }
}

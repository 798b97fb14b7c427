/**
 * The client's connections, one per node, by endpoint. Nodes that are members no more are let go; the endpoints that the
 * caller gave stay known, to come back to when no member can be reached.
 */
import type { NodeLink } from './node-link.ts';
import type { Operation } from './operation.ts';

/** How long a link that is let go may take to send what is queued. */
const LEAVE_MS = 1000;

export class LinkSet {
  readonly #links: Map<string, NodeLink> = new Map();
  readonly #given: readonly string[];
  readonly #make: (endpoint: string) => NodeLink;

  constructor(given: readonly string[], make: (endpoint: string) => NodeLink) {
    this.#given = given;
    this.#make = make;
  }

  /** The link to a node, made when it is asked for first. */
  to(endpoint: string): NodeLink {
    let link = this.#links.get(endpoint);
    if (link === undefined) {
      link = this.#make(endpoint);
      this.#links.set(endpoint, link);
    }
    return link;
  }

  first(): NodeLink | null {
    for (const link of this) return link;
    return null;
  }

  openGiven(): void {
    for (const endpoint of this.#given) this.to(endpoint).open();
  }

  /** Whether any but `except` is connected. */
  anyUp(except: NodeLink | null = null): boolean {
    for (const link of this) if (link.up && link !== except) return true;
    return false;
  }

  /** Closes what leads to none of the `members` and awaits no answer; gives those closed. None while no member is reached. */
  letGo(members: readonly NodeLink[]): NodeLink[] {
    if (this.#links.size <= members.length || !members.some((link) => link.up)) return [];
    const gone = [...this].filter((link) => link.pending.size === 0 && !members.includes(link));
    for (const link of gone) {
      this.#links.delete(link.endpoint);
      void link.close(LEAVE_MS);
    }
    return gone;
  }

  [Symbol.iterator](): IterableIterator<NodeLink> {
    return this.#links.values();
  }

  /** No answer to `operation` is awaited any more. */
  forget(operation: Operation): void {
    for (const link of this) if (link.pending.get(operation.messageId) === operation) link.pending.remove(operation);
  }

  /** Gives the requests that are unanswered; none is any longer. */
  drain(): Operation[] {
    return [...this].flatMap((link) => link.pending.drain());
  }

  /** Closes all, waiting at most `flushMs` until what is queued has left. */
  async close(flushMs: number): Promise<void> {
    await Promise.all([...this].map((link) => link.close(flushMs)));
  }
}

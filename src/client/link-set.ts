/** The client's connections, one per node, by endpoint. */
import type { NodeLink } from './node-link.ts';
import type { Operation } from './operation.ts';

export class LinkSet {
  readonly #links: Map<string, NodeLink> = new Map();
  readonly #make: (endpoint: string) => NodeLink;

  constructor(make: (endpoint: string) => NodeLink) {
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

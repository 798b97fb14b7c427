/** A node that has nothing but a book: lets clients in on a real socket and answers them what it says. */
import type { ExecutionContext } from 'ava';
import { parseAddress } from '../../src/base/address.ts';
import type { Address, Channel, ChannelHandler } from '../../src/base/ports.ts';
import { type Book, NO_MEMBER } from '../../src/cluster/book.ts';
import { routingOf } from '../../src/cluster/electorate.ts';
import { listen } from '../../src/io/acceptor.ts';
import { answerClusterFrame, type ClusterHost } from '../../src/node/cluster-requests.ts';
import { NOBODY } from '../../src/node/connection.ts';
import type { ControlStatus } from '../../src/node/control/host.ts';
import { encodeTable } from '../../src/protocol/hello-codec.ts';
import { FRAME_LENGTH_MAX, PROTOCOL_VERSION } from '../../src/protocol/limits.ts';
import * as op from '../../src/protocol/opcode.ts';
import { bytes, frame, number, type PlainFrame, readStream } from '../../tools/fuzz/world/frames.ts';
import { controlOf } from './books.ts';
import { encoded, encodedBody } from './encode.ts';

const INCARNATION = new Uint8Array(8).fill(7);

export class BookNode implements ClusterHost {
  readonly address: string;
  book: Book | null;
  /** What of the control plane's status is otherwise than in a cluster that is well. */
  control: Partial<ControlStatus> = {};
  /** What STAT tells. */
  facts: Readonly<Record<string, unknown>> = {};
  /** A node of a version that does not know CLUS. */
  isOld = false;
  reform: (isTrial: boolean) => string | null = () => null;
  /** Hand-overs asked for. */
  readonly transfers: (readonly [partition: number, to: number])[] = [];
  /** Does what is asked, or says why not. */
  handOver: (partition: number, to: number) => string | null = () => null;

  private constructor(address: string, book: Book | null) {
    this.address = address;
    this.book = book;
  }

  static async on(t: ExecutionContext, address: string, book: Book | null): Promise<BookNode> {
    const node = new BookNode(address, book);
    const acceptor = await listen(parseAddress(address) as Address, (channel) => node.#accept(channel));
    t.teardown(() => acceptor.close());
    return node;
  }

  controlStatus(): ControlStatus {
    return controlOf(this.book, this.control);
  }

  requestTransfer(partition: number, to: number): string | null {
    this.transfers.push([partition, to]);
    return this.handOver(partition, to);
  }

  #accept(channel: Channel): ChannelHandler {
    let stream: Uint8Array = new Uint8Array(0);
    return {
      received: (chunk): void => {
        stream = bytes(stream, chunk);
        const { frames, restBytes } = readStream(stream, FRAME_LENGTH_MAX);
        stream = stream.slice(stream.length - restBytes);
        for (const one of frames) channel.write(this.#answer(one));
      },
      drained: () => undefined,
      ended: () => undefined,
    };
  }

  #answer({ opcode, messageId, body }: PlainFrame): Uint8Array {
    if (opcode === op.HELO) return this.#welcome();
    if (opcode === op.STAT) return frame(op.STAD, messageId, JSON.stringify(this.facts));
    if (opcode === op.CLUS && !this.isOld) {
      return encoded((frames) => {
        answerClusterFrame(
          this,
          { frames, closed: false, owner: NOBODY, units: 0, leased: false, destroy: () => undefined },
          messageId,
          body,
          0,
          body.length,
        );
      });
    }
    return frame(op.FAIL, messageId, number(2, 3), `this node does not know ${op.opcodeName(opcode)}`);
  }

  #welcome(): Uint8Array {
    const { version, addresses, primaries } =
      this.book === null
        ? { version: 0, addresses: [this.address], primaries: new Uint16Array(4).fill(NO_MEMBER) }
        : routingOf(this.book);
    const self = addresses.indexOf(this.address);
    const table = { version, partitions: primaries.length, self, members: addresses, primaries };
    const clusterId = this.book?.settings.clusterId ?? '';
    return frame(
      op.WLCM,
      0,
      ...[number(2, PROTOCOL_VERSION), INCARNATION, new Uint8Array(32)],
      encodedBody((frames) => encodeTable(frames, table)),
      ...[number(6, self + 1), number(1, clusterId.length), clusterId, number(1, this.address.length), this.address],
    );
  }
}

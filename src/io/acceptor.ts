/** The one accept loop of a node: hands every connection to whoever speaks its protocol. */
import { createServer, type Server, type Socket } from 'node:net';
import { formatAddress } from '../base/address.ts';
import type { Address, Channel, ChannelHandler } from '../base/ports.ts';
import { KeyvalError } from '../errors.ts';
import { attachSocket, type TextDoor } from './tcp-transport.ts';

const BACKLOG = 1024;

export interface Acceptor {
  /** Where it listens: the port is the real one when 0 was asked for. */
  readonly address: Address;
  /** Takes no further connection. Those open stay. */
  close(): void;
}

/**
 * Listens on `address`. `openDoor` is for those who do not speak in frames.
 * @throws KeyvalError KV_ADDRESS_IN_USE; KV_USAGE when the address is not this machine's
 */
export function listen(
  address: Address,
  accept: (channel: Channel) => ChannelHandler,
  openDoor: (() => TextDoor) | null = null,
): Promise<Acceptor> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket: Socket) =>
      attachSocket(socket, accept, openDoor),
    );
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, address)));
    server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, () =>
      resolve(running(server, address)),
    );
  });
}

/** Whether this machine could listen there, on some port. Nobody who connects meanwhile is answered. */
export function isOwnAddress(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(false));
    server.listen({ host, port: 0 }, () => server.close(() => resolve(true)));
  });
}

function running(server: Server, asked: Address): Acceptor {
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : asked.port;
  return { address: { host: asked.host, port }, close: () => void server.close() };
}

function explain(error: NodeJS.ErrnoException, address: Address): KeyvalError {
  const text = formatAddress(address);
  if (error.code === 'EADDRINUSE') {
    return new KeyvalError(
      'KV_ADDRESS_IN_USE',
      `${text} is in use by another process; stop it or choose another --port`,
      {
        cause: error,
      },
    );
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new KeyvalError('KV_USAGE', `${text} is not an address of this machine; give one with --listen`, {
      cause: error,
    });
  }
  return new KeyvalError('KV_USAGE', `cannot listen on ${text}: ${error.message}`, { cause: error });
}

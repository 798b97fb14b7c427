/** The opponent's client: every loop gets its own frame back, however the bytes come. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { EchoConnection } from '../../../tools/bench/echo-connection.ts';

const loops = 8;
const frameBytes = 43;

async function connectTo(t: ExecutionContext, echo: (socket: Socket, chunk: Buffer) => void): Promise<EchoConnection> {
  const server: Server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (chunk) => echo(socket, chunk));
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connection = await EchoConnection.open({ port: (server.address() as AddressInfo).port, loops, frameBytes });
  t.teardown(() => {
    connection.close();
    server.close();
  });
  return connection;
}

/** Every loop sends `rounds` frames, the next when the last has come back. */
async function exchange(connection: EchoConnection, rounds: number): Promise<number[]> {
  const arrived = new Array<number>(loops).fill(0);
  const loop = async (index: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      await new Promise<void>((resolve) => connection.send(index, resolve));
      arrived[index] = (arrived[index] ?? 0) + 1;
    }
  };
  await Promise.all(arrived.map((_, index) => loop(index)));
  return arrived;
}

test('frames of a turn leave in one write', async (t) => {
  const chunks: number[] = [];
  const connection = await connectTo(t, (socket, chunk) => {
    chunks.push(chunk.length);
    socket.write(chunk);
  });
  t.deepEqual(await exchange(connection, 1), new Array(loops).fill(1));
  t.deepEqual(chunks, [loops * frameBytes]);
});

test('replies that come cut anywhere', async (t) => {
  let size = 0;
  let held = Buffer.alloc(0);
  const connection = await connectTo(t, (socket, chunk) => {
    held = Buffer.concat([held, chunk]);
    sendPieces(socket);
  });
  const sendPieces = (socket: Socket): void => {
    if (held.length === 0 || socket.writableLength > 0) return;
    size = (size % (2 * frameBytes)) + 1;
    const piece = held.subarray(0, size);
    held = held.subarray(size);
    socket.write(piece, () => setImmediate(sendPieces, socket));
  };
  t.deepEqual(await exchange(connection, 50), new Array(loops).fill(50));
});

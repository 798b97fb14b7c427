import test from 'ava';
import { type Connection, type FrameHandler, QUEUE_PAUSE_BYTES } from '../../src/node/connection.ts';
import {
  Connections,
  type ConnectionsHost,
  PAUSE_BYTES_CROWDED,
  STRANGERS_MAX,
  UNSENT_BYTES_CROWDED,
  UNSENT_BYTES_MAX,
} from '../../src/node/connections.ts';
import { PONG } from '../../src/protocol/opcode.ts';
import { FakeChannel } from '../helpers/fake-channel.ts';
import { ManualTurn } from '../helpers/manual-turn.ts';

const login: FrameHandler = { frame: () => undefined, badLength: () => undefined, closed: () => undefined };

interface Bench {
  readonly connections: Connections;
  readonly manual: ManualTurn;
  readonly dropped: string[];
  readonly clock: { nowMs: number };
  /** Lets a second pass, and looks at all connections. */
  sweep(): void;
  client(): { connection: Connection; channel: FakeChannel };
}

function bench(): Bench {
  const manual = new ManualTurn();
  const clock = { nowMs: 1000 };
  const dropped: string[] = [];
  const host = {
    ports: { turn: manual.turn, timers: { atTurnEnd: () => undefined } },
    log: {
      write: (_level: string, event: string, fields: { reason: string }) => dropped.push(`${event}: ${fields.reason}`),
    },
    get nowMs() {
      return clock.nowMs;
    },
    touch: () => clock.nowMs,
    stagedBytesOf: () => 7,
  };
  const connections = new Connections(host as unknown as ConnectionsHost);
  const client: Bench['client'] = () => {
    const channel = new FakeChannel();
    const connection = connections.accept(channel, login);
    connections.welcomeClient(connection);
    return { connection, channel };
  };
  const sweep = (): void => {
    clock.nowMs += 1000;
    connections.tick();
  };
  return { connections, manual, dropped, clock, client, sweep };
}

/** Replies that the other side does not take. */
function owe(connection: Connection, bytes: number): void {
  connection.frames.begin(PONG, 1);
  connection.frames.bytes(new Uint8Array(bytes), 0, bytes);
  connection.frames.end();
}

test('one stranger too many pushes out the one that came first; clients stay', (t) => {
  const { connections, client } = bench();
  const known = client();
  const channels = Array.from({ length: STRANGERS_MAX + 1 }, () => {
    const channel = new FakeChannel();
    connections.accept(channel, login);
    return channel;
  });
  t.deepEqual(
    channels.map((channel) => channel.destroyed),
    channels.map((_, index) => index === 0),
  );
  t.false(known.channel.destroyed);
});

test('clients are counted until they close', (t) => {
  const { connections, client } = bench();
  const { connection } = client();
  client();
  t.is(connections.clients, 2);
  connections.clientClosed(connection);
  t.deepEqual([connections.clients, connections.size], [1, 1]);
});

test('while all together have much unsent, each is read only with little; then again as before', (t) => {
  const { client, sweep, manual } = bench();
  const one = client();
  const other = client();
  one.channel.holds = true;
  owe(one.connection, UNSENT_BYTES_CROWDED + 1);
  manual.end();
  sweep();
  t.is(other.connection.pauseBytes, PAUSE_BYTES_CROWDED);
  owe(other.connection, PAUSE_BYTES_CROWDED);
  t.true(other.connection.full);
  t.is(client().connection.pauseBytes, PAUSE_BYTES_CROWDED, 'who comes later, too');
  one.channel.handler = one.connection;
  one.channel.drain();
  sweep();
  t.is(other.connection.pauseBytes, QUEUE_PAUSE_BYTES);
});

test('with far too much unsent, those that have most are dropped', (t) => {
  const { client, sweep, dropped } = bench();
  const clients = [0.2, 0.3, 0.2, 0.1, 0.3].map((part) => {
    const made = client();
    owe(made.connection, part * UNSENT_BYTES_MAX);
    return made;
  });
  sweep();
  t.deepEqual(
    clients.map(({ channel }) => channel.destroyed),
    [false, true, false, false, false],
  );
  t.deepEqual(dropped, ['connection dropped: it has most of the unread replies, and there are too many']);
});

test('a listing shows those that hold most memory first, and who they are', (t) => {
  const { connections, client, clock } = bench();
  const small = client();
  const large = client();
  large.connection.name = 'importer';
  owe(large.connection, 100_000);
  connections.accept(new FakeChannel(), login);
  clock.nowMs += 500;
  const listed = connections.list();
  t.deepEqual(
    listed.map(({ id, role, name, ageMs }) => ({ id, role, name, ageMs })),
    [
      { id: large.connection.id, role: 'client', name: 'importer', ageMs: 500 },
      { id: small.connection.id, role: 'client', name: '', ageMs: 500 },
      { id: 3, role: 'stranger', name: '', ageMs: 500 },
    ],
  );
  t.is(listed[0]?.unsentBytes, 100_012);
  t.is(listed[0]?.memoryBytes, 131_072 + 7, 'its buffer, and what it is sending in pieces');
  t.is(connections.memoryBytes, 131_072);
});

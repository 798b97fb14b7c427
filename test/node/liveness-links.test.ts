/** Links of liveness threads at a node, and what a node tells its own. Nothing here waits: the clock is the test's. */
import test from 'ava';
import type { Connection } from '../../src/node/connection.ts';
import { BELIEVED_MS, LivenessLinks } from '../../src/node/liveness-links.ts';
import type { Peer } from '../../src/node/peer.ts';
import { encodeHello, Role } from '../../src/protocol/hello-codec.ts';
import { LOGIN_FRAME_LENGTH_MAX } from '../../src/protocol/limits.ts';
import type { HelloFields } from '../../src/protocol/login.ts';
import { STALL_BYTES, type Stall, writeStall } from '../../src/protocol/peer-codec.ts';
import { frame, u32 } from '../helpers/bodies.ts';
import { decodeChunks } from '../helpers/decode.ts';
import { encoded, encodedBody } from '../helpers/encode.ts';
import { type ScriptedConnection, ScriptedNode } from '../helpers/scripted-node.ts';

const MEMBERS = ['127.0.0.1:6234', '127.0.0.2:6234', '127.0.0.3:6234'];
/** The last one is looked at: the others dial it. */
const SELF = MEMBERS[2] as string;
const LIFE = new Uint8Array(8).fill(1);
const NEXT_LIFE = new Uint8Array(8).fill(2);
const NODE_ID = 77;

function helloOf(role: number, incarnation: Uint8Array): HelloFields {
  const address = MEMBERS[0] as string;
  const peer = { incarnation, nodeId: NODE_ID, clusterId: '', address, partitions: 4, replicas: 3, members: MEMBERS };
  return { role, flags: 0, cluster: 'keyval', name: address, owner: null, peer };
}

function stall(parts: Partial<Stall> = {}): Uint8Array {
  return encoded((writer) => writeStall(writer, { incarnation: LIFE, nodeId: NODE_ID, stalledMs: 400, ...parts }));
}

/** A node and the first member's links to it. */
class Bench {
  readonly scripted: ScriptedNode;

  constructor(secret: Uint8Array | null = null) {
    this.scripted = new ScriptedNode({ address: SELF, members: MEMBERS, secret });
  }

  login(role: number, incarnation: Uint8Array = LIFE): { link: ScriptedConnection; said: string } {
    const link = this.scripted.connect();
    const nonce = new Uint8Array(16).fill(9);
    const body = encodedBody((writer) =>
      encodeHello(writer, { ...helloOf(role, incarnation), versionOldest: 1, version: 1, nonce }),
    );
    return { link, said: saidBy(link.send(frame('HELO', 0, body))) };
  }

  get peer(): Peer {
    return this.scripted.node.peerAt(MEMBERS[0] as string);
  }

  get isStalled(): boolean {
    return this.peer.isStalled(this.scripted.node.touch());
  }
}

/** `WLCM BEAT`; of FAIL the text, too. */
function saidBy(bytes: Uint8Array): string {
  const frames = decodeChunks([bytes]);
  return frames
    .map(({ opcode, body }) => (opcode === 'FAIL' ? `FAIL ${Buffer.from(body).toString('utf8', 2)}` : opcode))
    .join(' ');
}

function linked(): { bench: Bench; link: ScriptedConnection } {
  const bench = new Bench();
  bench.login(Role.control);
  const { link, said } = bench.login(Role.liveness);
  if (said !== 'WLCM') throw new Error(said);
  return { bench, link };
}

test('a stall that is told is believed for 300 ms, and for longer while it is told again', (t) => {
  const { bench, link } = linked();
  t.false(bench.isStalled);
  link.send(stall());
  t.true(bench.isStalled);
  bench.scripted.advance(BELIEVED_MS - 1);
  t.true(bench.isStalled);
  link.send(stall({ stalledMs: 700 }));
  bench.scripted.advance(BELIEVED_MS - 1);
  t.true(bench.isStalled);
  bench.scripted.advance(1);
  t.false(bench.isStalled);
  const told = bench.scripted.logged.filter(({ event }) => event === 'peer stalled');
  t.deepEqual(
    told.map(({ fields }) => fields),
    [{ peer: MEMBERS[0], forMs: 400 }],
    'logged once for the stall',
  );
});

test('telling of a stall is not to be heard: the main thread is as silent as before', (t) => {
  const { bench, link } = linked();
  const { heardAtMs } = bench.peer;
  for (let at = 0; at < 7; at += 1) {
    bench.scripted.advance(100);
    link.send(stall());
  }
  t.is(bench.peer.heardAtMs, heardAtMs);
  t.is(bench.peer.state, 'silent');
  t.true(bench.isStalled);
});

test('R3: what another life tells, or another node, counts for nothing', (t) => {
  const { bench, link } = linked();
  link.send(stall({ incarnation: NEXT_LIFE }));
  link.send(stall({ nodeId: NODE_ID + 1 }));
  t.false(bench.isStalled);
  t.false(link.channel.destroyed);
  link.send(stall());
  t.true(bench.isStalled);
  bench.scripted.advance(700);
  link.send(stall());
  bench.login(Role.control, NEXT_LIFE);
  t.false(bench.isStalled, 'the next life does not stand still');
  link.send(stall());
  t.false(bench.isStalled);
});

test('a life without a control link is let in by no other', (t) => {
  const bench = new Bench();
  const refusal = /^FAIL HELO: 127\.0\.0\.1:6234 has no control link here/;
  t.regex(bench.login(Role.liveness).said, refusal);
  bench.login(Role.control);
  t.regex(bench.login(Role.liveness, NEXT_LIFE).said, refusal);
  t.is(bench.login(Role.liveness).said, 'WLCM');
  t.regex(bench.login(Role.liveness + 1).said, /^FAIL HELO: there is no role 4/);
});

test('whoever does not know the secret is let in by no role', (t) => {
  const bench = new Bench(new TextEncoder().encode('the secret'));
  for (const role of [Role.control, Role.liveness]) {
    const { link, said } = bench.login(role);
    t.is(said, 'CHAL');
    t.is(saidBy(link.send(frame('PROV', 0, new Uint8Array(32)))), 'FAIL the secret is wrong');
  }
  t.is(bench.peer.liveness, null);
});

for (const [what, bytes] of [
  ['a heartbeat', frame('BEAT', 0, new Uint8Array(25))],
  ['a request', frame('PING', 1)],
  ['a control frame', frame('RTON', 0, new Uint8Array(18))],
  ['a stall that is cut short', frame('STLL', 0, new Uint8Array(STALL_BYTES - 1))],
  ['a frame that is too long', u32(LOGIN_FRAME_LENGTH_MAX + 1)],
] as const) {
  test(`${what} on a liveness link: the link is closed, the others stay`, async (t) => {
    const { bench, link } = linked();
    const answer = link.send(bytes);
    await new Promise((resolve) => setImmediate(resolve));
    t.true(link.channel.destroyed || link.channel.ended);
    t.is(answer.length, 0);
    t.not(bench.peer.control, null);
    t.like(bench.scripted.logged.at(-1), { event: 'peer sent nonsense', fields: { peer: MEMBERS[0] } });
  });
}

test('a member has one liveness link: the last', (t) => {
  const { bench, link } = linked();
  const { link: second } = bench.login(Role.liveness);
  t.true(link.channel.destroyed);
  link.close();
  second.send(stall());
  t.true(bench.isStalled);
  second.close();
  t.is(bench.peer.liveness, null);
  t.is(bench.login(Role.liveness).said, 'WLCM');
});

// ---- this node's own stalls

test('the thread is told with each tick that all is well, whom to tell when they change, and the end', (t) => {
  const said: string[] = [];
  const liveness = {
    ticked: () => void said.push('ticked'),
    peers: (addresses: readonly string[], { peer }: HelloFields) =>
      void said.push(`${addresses.join(' ')} of ${peer?.clusterId}`),
    close: () => Promise.resolve(void said.push('close')),
  };
  const up = { name: 'a:1', control: {} as Connection | null };
  const peers = [up, { name: 'b:1', control: null }] as unknown as Peer[];
  const host = { ports: { log: { write: () => undefined }, liveness }, nowMs: 0 };
  const links = new LivenessLinks({ peers, get: () => null }, host, { closed: () => undefined });
  const hello = helloOf(Role.liveness, LIFE);
  const founded = (clusterId: string): HelloFields =>
    hello.peer === null ? hello : { ...hello, peer: { ...hello.peer, clusterId } };
  const tick = (clusterId: string): string[] => {
    links.tick(() => founded(clusterId));
    return said.splice(0);
  };
  t.deepEqual(tick(''), ['ticked', 'a:1 of ']);
  t.deepEqual(tick(''), ['ticked']);
  t.deepEqual(tick('c1'), ['ticked', 'a:1 of c1']);
  up.control = null;
  t.deepEqual(tick('c1'), ['ticked', ' of c1']);
  links.stop();
  t.deepEqual(said.splice(0), ['close']);
  t.deepEqual(tick('c1'), [], 'a node that has ended does not stand still');
});

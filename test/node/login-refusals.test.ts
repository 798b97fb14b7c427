/** What the log says of refused logins, and how long a login may take; on a clock that the test moves. */
import test from 'ava';
import { LOGIN_TIMEOUT_MS } from '../../src/protocol/limits.ts';
import { frame, hello, type PeerParts, peerHello } from '../helpers/bodies.ts';
import { decodeOne } from '../helpers/decode.ts';
import { type LogLine, ScriptedNode } from '../helpers/scripted-node.ts';

/** What it has logged since it serves. */
function refusals({ logged }: ScriptedNode): LogLine[] {
  return logged.filter(({ event }) => event === 'login refused');
}

test('a refused login is logged with its cause', (t) => {
  const scripted = new ScriptedNode();
  scripted.connect().send(frame('HELO', 0, hello({ cluster: 'another' })));
  t.like(refusals(scripted), [
    { level: 'warn', event: 'login refused', fields: { from: 'fake:1', code: 'KV_WRONG_CLUSTER' } },
  ]);
  t.is(refusals(scripted).length, 1);
});

test('garbage instead of a login is logged', (t) => {
  const scripted = new ScriptedNode();
  scripted.connect().send(Buffer.alloc(20, 0xff));
  t.like(refusals(scripted), [{ event: 'login refused', fields: { code: 'KV_BAD_FRAME' } }]);
});

test('who tries the same again and again is logged once', (t) => {
  const scripted = new ScriptedNode();
  for (let times = 0; times < 50; times += 1) scripted.connect().send(frame('HELO', 0, hello({ cluster: 'another' })));
  t.is(refusals(scripted).length, 1);
  scripted.connect().send(frame('HELO', 0, hello({ versionOldest: 2, version: 2 })));
  t.is(refusals(scripted).length, 2, 'another cause');
});

test('a login that is not done in time is refused and closed', async (t) => {
  const scripted = new ScriptedNode({ secret: Buffer.from('secret') });
  const connections = [scripted.connect(), scripted.connect(), scripted.connect()] as const;
  connections[1].send(frame('HELO', 0, hello()).subarray(0, 10));
  connections[2].send(frame('HELO', 0, hello()));
  scripted.advance(LOGIN_TIMEOUT_MS - 1);
  t.deepEqual(
    connections.map(({ channel }) => channel.ended),
    [false, false, false],
  );
  scripted.advance(1);
  await new Promise((resolve) => setImmediate(resolve));
  for (const connection of connections) {
    t.true(connection.channel.ended);
    t.is(decodeOne(connection.received()).opcode, 'FAIL');
  }
  t.like(refusals(scripted), [{ event: 'login refused', fields: { code: 'KV_DEADLINE' } }]);
});

test('a login that is done in time lasts', (t) => {
  const scripted = new ScriptedNode();
  const connection = scripted.connect();
  connection.send(frame('HELO', 0, hello()));
  scripted.advance(2 * LOGIN_TIMEOUT_MS);
  t.false(connection.channel.destroyed);
  t.is(decodeOne(connection.send(frame('PING', 1))).opcode, 'PONG');
});

test('a node that is stopping lets nobody in', async (t) => {
  const scripted = new ScriptedNode();
  void scripted.node.stop(1000);
  await new Promise((resolve) => setImmediate(resolve));
  const { opcode, body } = decodeOne(scripted.connect().send(frame('HELO', 0, hello())));
  t.is(opcode, 'FAIL');
  t.is(Buffer.from(body).readUInt16BE(0), 27);
});

const ADDRESS = '127.0.0.1:6234';
const OTHER = '127.0.0.2:6234';

/** What a node that waits for its other founder answers to a peer. */
function answerTo(peer: PeerParts, members: readonly string[] = [ADDRESS, OTHER]): string {
  const scripted = new ScriptedNode({ members });
  const said = decodeOne(scripted.connect().send(frame('HELO', 0, hello({ role: 1, peer: peerHello(peer) }))));
  return said.opcode === 'FAIL'
    ? `${refusals(scripted)[0]?.fields.code} ${Buffer.from(said.body).subarray(2)}`
    : said.opcode;
}

test('before there is a cluster, a node that was started with others is refused and told the difference', (t) => {
  const peer = { partitions: 4, address: OTHER, members: [OTHER, '10.0.0.9:6234'] };
  t.regex(answerTo(peer), /^KV_CONFIG_MISMATCH .*--peers of 127\.0\.0\.2:6234 has 10\.0\.0\.9:6234 besides/);
  t.regex(answerTo(peer), /--peers of 127\.0\.0\.1:6234 has 127\.0\.0\.1:6234 besides/);
});

test('a node that differs in more than that is told all of it', (t) => {
  const said = answerTo({ address: OTHER, members: [ADDRESS, OTHER], partitions: 16, replicas: 2 });
  t.regex(said, /^KV_CONFIG_MISMATCH/);
  t.regex(said, /--partitions is 16 there and 4 here/);
  t.regex(said, /--replicas is 2 there and 3 here/);
});

test('a node that says that it is this one is refused, in a cluster or before', (t) => {
  const peer = { address: ADDRESS, members: [ADDRESS] };
  t.regex(answerTo(peer), /^KV_CONFIG_MISMATCH both say that they are 127\.0\.0\.1:6234/);
  t.regex(answerTo(peer, [ADDRESS]), /^KV_CONFIG_MISMATCH both say that they are/);
});

test('two clusters never become one', (t) => {
  const peer = { address: OTHER, members: [OTHER], clusterId: 'feedfeedfeedfeed' };
  t.regex(answerTo(peer, [ADDRESS]), /^KV_WRONG_CLUSTER .*feedfeedfeedfeed/);
});

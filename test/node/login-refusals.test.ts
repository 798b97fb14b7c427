/** What the log says of refused logins, and how long a login may take; on a clock that the test moves. */
import test from 'ava';
import { LOGIN_TIMEOUT_MS } from '../../src/protocol/limits.ts';
import { frame, hello } from '../helpers/bodies.ts';
import { decodeOne } from '../helpers/decode.ts';
import { ScriptedNode } from '../helpers/scripted-node.ts';

test('a refused login is logged with its cause', (t) => {
  const scripted = new ScriptedNode();
  scripted.connect().send(frame('HELO', 0, hello({ cluster: 'another' })));
  t.like(scripted.logged, [
    { level: 'warn', event: 'login refused', fields: { from: 'fake:1', code: 'KV_WRONG_CLUSTER' } },
  ]);
  t.is(scripted.logged.length, 1);
});

test('garbage instead of a login is logged', (t) => {
  const scripted = new ScriptedNode();
  scripted.connect().send(Buffer.alloc(20, 0xff));
  t.like(scripted.logged, [{ event: 'login refused', fields: { code: 'KV_BAD_FRAME' } }]);
});

test('who tries the same again and again is logged once', (t) => {
  const scripted = new ScriptedNode();
  for (let times = 0; times < 50; times += 1) scripted.connect().send(frame('HELO', 0, hello({ cluster: 'another' })));
  t.is(scripted.logged.length, 1);
  scripted.connect().send(frame('HELO', 0, hello({ versionOldest: 2, version: 2 })));
  t.is(scripted.logged.length, 2, 'another cause');
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
  t.like(scripted.logged, [{ event: 'login refused', fields: { code: 'KV_DEADLINE' } }]);
});

test('a login that is done in time lasts', (t) => {
  const scripted = new ScriptedNode();
  const connection = scripted.connect();
  connection.send(frame('HELO', 0, hello()));
  scripted.advance(2 * LOGIN_TIMEOUT_MS);
  t.false(connection.channel.destroyed);
  t.is(decodeOne(connection.send(frame('PING', 1))).opcode, 'PONG');
});

test('a node that is stopping lets nobody in', (t) => {
  const scripted = new ScriptedNode();
  void scripted.node.stop(1000);
  const { opcode, body } = decodeOne(scripted.connect().send(frame('HELO', 0, hello())));
  t.is(opcode, 'FAIL');
  t.is(Buffer.from(body).readUInt16BE(0), 27);
});

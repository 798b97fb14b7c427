/** Whoever is not let in: wrong secrets, replayed proofs, false peers, oversized logins, everything asked before the login. */
import { createHmac, randomBytes } from 'node:crypto';
import { type Attack, type AttackContext, onEach, patience } from '../attack.ts';
import * as bodies from '../frames.ts';
import { frame, hello, peerHello } from '../frames.ts';
import { codeIn, type Heard, told, Wire } from '../wire.ts';

const requests =
  'GETK PUTK CASK DELK INCR LCKK ULKK CNCL ATCH KEEP CLOS SCAN STGE DROP BTCH PING STAT TABL LOAD XPRT HASH'.split(' ');
const replies = 'GOTK FRAG DONE LKDK WAIT KEPT SCND STGD PONG STAD MOVD FAIL WLCM CHAL LODD XPRD HSHD'.split(' ');
const betweenNodes =
  'APND ACKN BEAT DROP STGD CONF CNFD LRLS REPT WISH SNAP SNPD JOIN PROP FNDQ FNDA FNDC RPVQ RVOT RAPP RSNP RTON'.split(
    ' ',
  );

/** The connection is refused with one of these codes, and closed; nothing else is said. */
async function refusedAndClosed(
  { tally }: AttackContext,
  wire: Wire,
  what: string,
  codes: readonly string[],
): Promise<void> {
  const heard = await wire.next(patience.hangMs);
  if (heard === null && !wire.closed) tally.hung(`${what}: no answer`);
  tally.expect(codes.includes(codeIn(heard)), `${what}: ${told(heard)} instead of ${codes.join(' or ')}`);
  if (heard?.opcode === 'FAIL') tally.refused += 1;
  if (await wire.untilClosed(patience.hangMs)) tally.dropped += 1;
  else tally.hung(`${what}: not closed`);
  tally.expect(!wire.kinds.has('WLCM'), `${what}: welcomed`);
  wire.destroy();
}

export const unauthenticated: Attack = {
  name: 'unauthenticated',
  does: 'everything there is to ask, by someone who has not logged in, or not proved the secret',
  async run(context) {
    const { tally, guarded, nodes, random, share } = context;
    const bodiesToTry = [bodies.NO_BYTES, bodies.get('key'), Buffer.alloc(64, 1)];
    const asked = [...requests, ...replies, ...betweenNodes].flatMap((opcode) =>
      bodiesToTry.map((body) => ({ opcode, bytes: frame(opcode, 5, body) })),
    );
    const tried = asked.filter(() => random.float() < share);
    await onEach(tried, 8, async ({ opcode, bytes }) => {
      tally.attempts += 3;
      const open = await Wire.connect(nodes[0] as string);
      open.send(bytes);
      await refusedAndClosed(context, open, `${opcode} first`, ['KV_BAD_FRAME', 'KV_BAD_REQUEST']);
      const wire = await Wire.connect(guarded);
      wire.send(bytes);
      await refusedAndClosed(context, wire, `${opcode} first, with a secret set`, ['KV_BAD_FRAME', 'KV_BAD_REQUEST']);
      const challenged = await Wire.connect(guarded);
      challenged.send(Buffer.concat([frame('HELO', 0, hello()), bytes]));
      tally.expect((await challenged.next(patience.hangMs))?.opcode === 'CHAL', 'HELO was not answered by CHAL');
      await refusedAndClosed(context, challenged, `${opcode} instead of the proof`, ['KV_BAD_FRAME']);
    });
  },
};

function proofOf(secret: Uint8Array, helloBody: Uint8Array, nonce: Uint8Array, side = 'caller'): Buffer {
  return createHmac('sha256', secret).update(side).update(helloBody).update(nonce).digest();
}

/** Up to the challenge; gives its nonce. */
async function challenged(address: string, helloBody: Uint8Array): Promise<{ wire: Wire; nonce: Buffer }> {
  const wire = await Wire.connect(address);
  wire.send(frame('HELO', 0, helloBody));
  const heard = await wire.next(patience.hangMs);
  if (heard?.opcode !== 'CHAL') throw new Error(`expected CHAL, got ${told(heard)}`);
  return { wire, nonce: heard.body };
}

interface ProofCase {
  readonly what: string;
  readonly proof: (helloBody: Uint8Array, nonce: Buffer) => Uint8Array;
}

function proofCases(secret: Uint8Array, recorded: Buffer): ProofCase[] {
  const flipped = (helloBody: Uint8Array, nonce: Buffer): Buffer => {
    const proof = proofOf(secret, helloBody, nonce);
    proof[31] = (proof[31] as number) ^ 1;
    return proof;
  };
  return [
    { what: 'a wrong secret', proof: (body, nonce) => proofOf(Buffer.from('wrong'), body, nonce) },
    { what: 'a secret cut short', proof: (body, nonce) => proofOf(secret.subarray(0, -1), body, nonce) },
    { what: 'an empty secret', proof: (body, nonce) => proofOf(Buffer.alloc(0), body, nonce) },
    { what: 'a replayed proof', proof: () => recorded },
    { what: "the node's own kind of proof", proof: (body, nonce) => proofOf(secret, body, nonce, 'callee') },
    { what: 'a proof of another HELO', proof: (_, nonce) => proofOf(secret, hello({ name: 'other' }), nonce) },
    { what: 'a proof of another nonce', proof: (body) => proofOf(secret, body, Buffer.alloc(16)) },
    { what: 'a proof with one bit flipped', proof: flipped },
    { what: 'an empty proof', proof: () => Buffer.alloc(0) },
    { what: 'a proof of zeros', proof: () => Buffer.alloc(32) },
    { what: 'half a proof', proof: (body, nonce) => proofOf(secret, body, nonce).subarray(0, 16) },
    {
      what: 'a proof and a byte more',
      proof: (body, nonce) => Buffer.concat([proofOf(secret, body, nonce), Buffer.alloc(1)]),
    },
    { what: 'random bytes', proof: () => randomBytes(32) },
  ];
}

export const wrongSecrets: Attack = {
  name: 'wrong-secrets',
  does: 'proofs that are wrong, replayed, reflected, cut or too long, as a client and as a node',
  async run(context) {
    const { tally, guarded, secret } = context;
    const helloBody = hello({ nonce: randomBytes(16) });
    const good = await challenged(guarded, helloBody);
    const recorded = proofOf(secret, helloBody, good.nonce);
    good.wire.send(frame('PROV', 0, recorded));
    tally.expect((await good.wire.next(patience.hangMs))?.opcode === 'WLCM', 'the right secret was not welcomed');
    good.wire.destroy();
    const peer = peerHello({ address: guarded, members: [guarded] });
    const asNode = [0, 1, 2].map((role) => hello({ role, ...(role === 0 ? {} : { peer }), nonce: randomBytes(16) }));
    for (const body of [helloBody, ...asNode]) {
      await onEach(proofCases(secret, recorded), 4, async ({ what, proof }) => {
        tally.attempts += 1;
        const { wire, nonce } = await challenged(guarded, body);
        wire.send(frame('PROV', 0, proof(body, nonce)));
        await refusedAndClosed(context, wire, what, ['KV_UNAUTHORIZED']);
      });
    }
  },
};

export const oversizedHello: Attack = {
  name: 'oversized-hello',
  does: 'logins that are too long, lie about what is in them, or hold what they must not',
  async run(context) {
    const { tally, nodes } = context;
    const [address] = nodes as [string];
    const full = (bytes: number): Buffer => frame('HELO', 0, Buffer.concat([hello(), Buffer.alloc(bytes)]));
    const peer = (parts: Partial<bodies.PeerParts>): Buffer =>
      frame('HELO', 0, hello({ role: 1, peer: peerHello({ address, members: nodes, ...parts }) }));
    const badUtf8 = Buffer.concat([
      hello({ name: '', owner: bodies.NO_BYTES }).subarray(0, -1),
      Buffer.from([2, 0xff, 0xfe]),
    ]);
    const cases: [what: string, bytes: Buffer, codes: string[]][] = [
      ['a HELO of 5,000 bytes', full(5000), ['KV_BAD_FRAME']],
      ['a HELO of 16 MiB', frame('HELO', 0, hello(), 2 ** 24 - 1), ['KV_BAD_FRAME']],
      ['a HELO of 4 GiB', frame('HELO', 0, hello(), 2 ** 32 - 1), ['KV_BAD_FRAME']],
      ['65,535 members announced', peer({ count: 65_535 }), ['KV_BAD_REQUEST']],
      ['no members', peer({ members: [] }), ['KV_CONFIG_MISMATCH']],
      ['1,000 members', peer({ members: Array.from({ length: 1000 }, () => 'ab') }), ['KV_CONFIG_MISMATCH']],
      ['members twice', peer({ members: [...nodes, ...nodes] }), ['KV_CONFIG_MISMATCH']],
      ['a text longer than the frame', frame('HELO', 0, hello().subarray(0, 23)), ['KV_BAD_REQUEST']],
      ['a name that is no UTF-8', frame('HELO', 0, badUtf8), ['KV_BAD_REQUEST']],
      ['another cluster', frame('HELO', 0, hello({ cluster: 'other' })), ['KV_WRONG_CLUSTER']],
      ['a role that is none', frame('HELO', 0, hello({ role: 200 })), ['KV_BAD_REQUEST']],
    ];
    await onEach(cases, 4, async ([what, bytes, codes]) => {
      tally.attempts += 1;
      const wire = await Wire.connect(address);
      wire.send(bytes);
      await refusedAndClosed(context, wire, what, codes);
    });
  },
};

export const falsePeers: Attack = {
  name: 'false-peers',
  does: 'logins as a node of the cluster while the real one is there, or under the id of another, or of another cluster',
  async run(context) {
    const { tally, nodes } = context;
    const [first, second] = nodes as [string, string];
    const { wire: client, welcome } = await Wire.login(first);
    client.destroy();
    const { nodeId } = welcome;
    const right = { address: second, members: nodes };
    const stranger = { ...right, address: '127.0.0.9:1' };
    const parts: [what: string, parts: bodies.PeerParts, code: string][] = [
      ['the right list, another incarnation', right, 'KV_CONFIG_MISMATCH'],
      ['a list without the node', { ...right, members: nodes.slice(1) }, 'KV_CONFIG_MISMATCH'],
      ['a list with a stranger', { ...right, members: [...nodes, '127.0.0.9:1'] }, 'KV_CONFIG_MISMATCH'],
      ["the node's own address", { ...right, address: first }, 'KV_CONFIG_MISMATCH'],
      ['other partitions', { ...right, partitions: 128 }, 'KV_CONFIG_MISMATCH'],
      ['other replicas', { ...right, replicas: 2 }, 'KV_CONFIG_MISMATCH'],
      ["a stranger with the node's own id", { ...stranger, nodeId }, 'KV_CONFIG_MISMATCH'],
      ['a stranger of another cluster', { ...stranger, clusterId: '0123456789abcdef' }, 'KV_WRONG_CLUSTER'],
      ['a stranger without an address', { ...stranger, address: 'nowhere:port' }, 'KV_BAD_REQUEST'],
    ];
    const cases = [1, 2].flatMap((role) => parts.map(([what, one, code]) => ({ what, role, one, code })));
    await onEach(cases, 4, async ({ what, role, one, code }) => {
      tally.attempts += 1;
      const wire = await Wire.connect(first);
      wire.send(frame('HELO', 0, hello({ role, peer: peerHello(one) })));
      await refusedAndClosed(context, wire, what, [code]);
    });
  },
};

export const peerFrames: Attack = {
  name: 'peer-frames',
  does: 'frames between nodes, and replies, from a client: none is followed',
  async run({ tally, nodes, random }) {
    const { wire } = await Wire.login(nodes[0] as string);
    let id = 0;
    for (const opcode of [...betweenNodes, ...replies]) {
      for (const bytes of [0, 1, 8, 9, 40, 5000]) {
        id += 1;
        tally.attempts += 1;
        wire.send(
          Buffer.concat([frame(opcode, id, Buffer.alloc(bytes, random.below(256))), frame('PING', 0x1000_0000 + id)]),
        );
        const heard = await answersUntilPong(wire);
        const refusals = heard.filter((one) => one.opcode === 'FAIL');
        tally.refused += refusals.length;
        tally.expect(heard.at(-1)?.opcode === 'PONG', `${opcode}: no PONG behind it`);
        // DROP has no answer by its nature.
        const isRefused = opcode === 'DROP' || codeIn(refusals[0] ?? null) === 'KV_UNKNOWN_OPCODE';
        tally.expect(isRefused, `${opcode} from a client: ${told(heard[0] ?? null)}`);
      }
    }
    wire.destroy();
  },
};

async function answersUntilPong(wire: Wire): Promise<Heard[]> {
  const heard: Heard[] = [];
  for (;;) {
    const one = await wire.next(patience.hangMs);
    if (one === null) return heard;
    heard.push(one);
    if (one.opcode === 'PONG') return heard;
  }
}

export const impostors: readonly Attack[] = [unauthenticated, wrongSecrets, oversizedHello, falsePeers, peerFrames];

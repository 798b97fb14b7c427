/**
 * Whoever connects, before the login: at a node without a secret and at one with. Nothing is thrown; answers are CHAL,
 * WLCM or FAIL; with a secret nobody is let in without the proof. Where an input has a proof of zeros, the right one is put in
 * its place, so that what comes behind it is reached.
 */
import { systemCrypto } from '../../../src/io/random.ts';
import { LOGIN_FRAME_LENGTH_MAX } from '../../../src/protocol/limits.ts';
import { callerProof } from '../../../src/protocol/login.ts';
import * as op from '../../../src/protocol/opcode.ts';
import { mustHold, type Target } from '../target.ts';
import { nodeIdOf } from '../world/founded-cluster.ts';
import { bytes, frame, number, type PlainFrame, readStream } from '../world/frames.ts';
import { CLUSTER, FuzzedNode, MEMBERS, MEMBERS_PARTITIONS } from '../world/fuzzed-node.ts';
import { readReplies } from './reply-layout.ts';

const SECRET = new TextEncoder().encode('the secret');
const SELF = MEMBERS[2] as string;
const PROOF_BYTES = 32;
const LIFE = 60;

export interface HelloParts {
  readonly role: number;
  readonly flags?: number;
  /** Whose link it is, with the roles of peers. */
  readonly member?: number;
  readonly incarnation?: number;
}

export function helloBody({ role, flags = 0, member = 0, incarnation = 1 }: HelloParts): Uint8Array {
  const head = bytes(
    number(2, 1),
    number(2, 1),
    role,
    flags,
    new Uint8Array(16).fill(0xa0),
    text(CLUSTER),
    text('fuzz'),
  );
  if (role === 0) return head;
  const address = text(MEMBERS[member] as string);
  const life = new Uint8Array(8).fill(incarnation);
  const list = bytes(number(2, MEMBERS.length), ...MEMBERS.map(text));
  return bytes(head, life, address, number(2, MEMBERS_PARTITIONS), 3, list, number(6, nodeIdOf(member)), text(''));
}

function text(value: string): Uint8Array {
  return bytes(value.length, value);
}

export function loginTarget(seeds: readonly Uint8Array[]): Target {
  const nodes = (): FuzzedNode[] =>
    [null, SECRET].map((secret) => new FuzzedNode({ address: SELF, members: MEMBERS, secret }));
  let both = nodes();
  let turns = 0;
  return {
    name: 'login',
    files: ['src/node/', 'src/protocol/', 'src/base/'],
    framesFrom: 1,
    inputBytesMax: LOGIN_FRAME_LENGTH_MAX + 300,
    inputsPerLife: LIFE,
    seeds: [...ownSeeds(), ...seeds.flatMap((seed) => [bytes(0, seed), bytes(1, seed)])],
    words: [text(CLUSTER), ...MEMBERS.map(text), number(2, 1)],
    reset: () => {
      turns = 0;
      both = nodes();
    },
    run: (input) => {
      const secret = (input[0] ?? 0) % 2 === 1;
      turns += 1;
      return knock(both[secret ? 1 : 0] as FuzzedNode, secret, input.subarray(1), turns);
    },
  };
}

async function knock(node: FuzzedNode, secret: boolean, input: Uint8Array, turn: number): Promise<void> {
  const channel = node.connect();
  const stream = readStream(input, LOGIN_FRAME_LENGTH_MAX);
  const hello = stream.frames[0];
  const answers: PlainFrame[] = [];
  let proven = false;
  let at = 0;
  for (const one of stream.frames) {
    const size = 12 + one.body.length;
    let sent = input.subarray(at, at + size);
    at += size;
    if (isProofOfZeros(one) && hello !== undefined && answers[0]?.opcode === op.CHAL) {
      sent = frame(op.PROV, one.messageId, callerProof(systemCrypto, SECRET, hello.body, answers[0].body));
      proven = true;
    }
    channel.receive(sent);
    node.endTurn();
    answers.push(...readReplies(channel.take()));
    if (channel.ending) break;
  }
  if (!channel.ending) channel.receive(input.subarray(at));
  for (let round = 0; round < 4; round += 1) await null;
  node.endTurn();
  answers.push(...readReplies(channel.take()));
  const welcome = answers.findIndex(({ opcode }) => opcode === op.WLCM);
  mustHold(welcome <= 1, 'a welcome comes first, or after a challenge');
  mustHold(welcome < 0 || !secret || proven, 'nobody is let in without the proof');
  if (welcome < 0) {
    const strangers = answers.every(({ opcode }) => opcode === op.CHAL || opcode === op.FAIL);
    mustHold(strangers, 'strangers get challenges and refusals only');
  }
  channel.close();
  if (turn % 8 === 0) node.advance(700);
}

function isProofOfZeros({ opcode, body }: PlainFrame): boolean {
  return opcode >>> 0 === op.PROV && body.length === PROOF_BYTES && body.every((byte) => byte === 0);
}

function ownSeeds(): Uint8Array[] {
  const proof = frame(op.PROV, 0, new Uint8Array(PROOF_BYTES));
  const hellos = [
    { role: 0 },
    { role: 0, flags: 1 },
    { role: 1 },
    { role: 2 },
    { role: 1, member: 1 },
    { role: 1, incarnation: 2 },
  ];
  return hellos.flatMap((parts) => {
    const hello = frame(op.HELO, 0, helloBody(parts));
    const beat = frame(op.BEAT, 0, new Uint8Array(8).fill(1), 0);
    return [bytes(0, hello, beat), bytes(1, hello, proof, beat), bytes(1, hello)];
  });
}

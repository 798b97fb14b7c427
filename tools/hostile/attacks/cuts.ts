/** Messages that end too early: at every byte, and then silence, FIN or a reset. */
import { type Attack, type AttackContext, onEach, patience } from '../attack.ts';
import { conversationWith } from '../conversation.ts';
import { frame, hello } from '../frames.ts';
import { newSession } from '../place.ts';
import { told, Wire } from '../wire.ts';

/** Every cut of short messages; of long ones those of the head, the end, and some between. */
const EVERY_CUT_BYTES = 200;
const HEAD_BYTES = 80;
/** Who has not logged in is gone after this. */
const LOGIN_MS = 5000;

function cutsOf(length: number): number[] {
  const all = Array.from({ length: length - 1 }, (_, index) => index + 1);
  if (length <= EVERY_CUT_BYTES) return all;
  return all.filter((at) => at <= HEAD_BYTES || at > length - 5 || at % 4099 === 0);
}

interface Cut {
  readonly name: string;
  readonly bytes: Buffer;
  readonly loggedIn: boolean;
}

/** HELO before the login, everything else after it. */
async function allCuts({ nodes, random, share }: AttackContext): Promise<Cut[]> {
  const conversation = await conversationWith(nodes[0] as string, newSession(random), 'cut ');
  const cut = (name: string, bytes: Buffer, loggedIn: boolean): Cut[] =>
    cutsOf(bytes.length).map((at) => ({ name: `${name} cut at ${at}`, bytes: bytes.subarray(0, at), loggedIn }));
  const messages = conversation.messages.flatMap(({ name, bytes }) => cut(name, bytes, true));
  return [...cut('HELO', conversation.hello, false), ...messages].filter(() => random.float() < share);
}

async function connected({ nodes }: AttackContext, { loggedIn }: Cut): Promise<Wire> {
  const address = nodes[0] as string;
  return loggedIn ? (await Wire.login(address)).wire : Wire.connect(address);
}

/** Every attempt is one connection: bounded, so that the time goes to the node rather than to setting up sockets. */
const AT_A_TIME = 4;

export const cutThenEnd: Attack = {
  name: 'cut-fin',
  does: 'every message cut at every byte, then FIN',
  async run(context) {
    const { tally } = context;
    await onEach(await allCuts(context), AT_A_TIME, async (cut) => {
      tally.attempts += 1;
      const wire = await connected(context, cut);
      const before = wire.frames;
      wire.send(cut.bytes);
      wire.finish();
      if (!(await wire.untilClosed(patience.hangMs))) tally.hung(`${cut.name}: open after FIN`);
      else tally.dropped += 1;
      tally.expect(wire.frames === before, `${cut.name}: answered`);
      wire.destroy();
    });
  },
};

export const cutThenReset: Attack = {
  name: 'cut-reset',
  does: 'every message cut at every byte, then RST',
  async run(context) {
    const { tally } = context;
    await onEach(await allCuts(context), AT_A_TIME, async (cut) => {
      tally.attempts += 1;
      const wire = await connected(context, cut);
      await new Promise<void>((resolve) => {
        wire.socket.write(cut.bytes, () => resolve());
      });
      wire.reset();
      tally.dropped += 1;
    });
  },
};

export const cutThenSilence: Attack = {
  name: 'cut-silence',
  does: 'logins cut at every byte, then nothing more: gone when the time for the login is over',
  async run(context) {
    const { tally, guarded, nodes } = context;
    const bytes = frame('HELO', 0, hello());
    const cuts = cutsOf(bytes.length).map((at) => bytes.subarray(0, at));
    const plain = onEach(cuts, cuts.length, (cut) => silentLogin(context, nodes[0] as string, [cut]));
    // The proof that a challenge asks for, cut.
    const proof = frame('PROV', 0, Buffer.alloc(32));
    const proofs = cutsOf(proof.length).map((at) => proof.subarray(0, at));
    await Promise.all([plain, onEach(proofs, proofs.length, (cut) => silentLogin(context, guarded, [bytes, cut]))]);
    tally.note(`gone after at most ${Math.round(longestMs)} ms`);
  },
};

let longestMs = 0;

async function silentLogin({ tally }: AttackContext, address: string, parts: readonly Buffer[]): Promise<void> {
  tally.attempts += 1;
  const wire = await Wire.connect(address);
  for (const part of parts) wire.send(part);
  if (!(await wire.untilClosed(LOGIN_MS + patience.lateMs)))
    tally.failed('a login cut short is still open after the time for it');
  else tally.dropped += 1;
  longestMs = Math.max(longestMs, (wire.closed ? wire.closedAtMs : performance.now()) - wire.openedAtMs);
  if (wire.failure !== null) tally.refused += 1;
  tally.expect(!wire.kinds.has('WLCM'), `a login cut short was welcomed: ${told(wire.failure)}`);
  wire.destroy();
}

export const cuts: readonly Attack[] = [cutThenEnd, cutThenReset, cutThenSilence];

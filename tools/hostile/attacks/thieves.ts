/** Whoever acts in the name of other clients: attachments are numbers that can be guessed. */
import { type Attack, onEach, patience } from '../attack.ts';
import * as bodies from '../frames.ts';
import { attachTo, keysOf, partitionOf, randomBytes } from '../place.ts';
import { codeIn, told, Wire } from '../wire.ts';

/** Keys here, and as many that are handed on to other nodes. */
const KEYS = 16;
/** The operations of an epoch in which others attach first. */
const GUESSES = 30n;
const IN_THE_NAME_OF_OTHERS: readonly [opcode: string, parts: Partial<bodies.WriteParts>][] = [
  ['PUTK', { payload: Buffer.from('stolen') }],
  ['DELK', {}],
  ['LCKK', {}],
  ['ULKK', { revision: 1n }],
  ['CNCL', { payload: bodies.u32(1) }],
];

const guessedAttachments: Attack = {
  name: 'guessed-attachments',
  does: 'writes, locks and releases under attachments that are guessed, those of the honest client among them',
  async run({ tally, nodes, random }) {
    const owner = randomBytes(random, 8);
    const { wire, welcome } = await Wire.login(nodes[0] as string, { owner });
    const session = Buffer.concat([owner, randomBytes(random, 8)]);
    const { table } = welcome;
    const keys = [...keysOf(table, KEYS, 'guessed '), ...keysOf(table, KEYS, 'guessed elsewhere ', true)];
    let id = 0;
    await onEach(keys, 1, async (key) => {
      const own = await attachTo(wire, partitionOf(key, table), session);
      const first = own & ~0xffff_ffffn;
      for (let attachment = first + 1n; attachment <= first + GUESSES; attachment += 1n) {
        const [opcode, parts] = IN_THE_NAME_OF_OTHERS[id % IN_THE_NAME_OF_OTHERS.length] as [string, object];
        if (attachment === own) continue;
        id += 1;
        tally.attempts += 1;
        const sequence = 1 + random.below(100);
        const body = bodies.write({ attachment, sequence, mark: 1, key, ...parts });
        const heard = await wire.request(opcode, id, body, patience.hangMs);
        if (heard?.opcode === 'FAIL') tally.refused += 1;
        tally.expect(codeIn(heard) === 'KV_NO_SESSION', `${opcode} in the name of another: ${told(heard)}`);
      }
    });
    wire.destroy();
  },
};

export const thieves: readonly Attack[] = [guessedAttachments];

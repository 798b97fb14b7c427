/** Every attack there is, in the order in which they run. */
import { type Attack, pause } from './attack.ts';
import { bursts } from './attacks/bursts.ts';
import { crowds } from './attacks/crowds.ts';
import { cuts } from './attacks/cuts.ts';
import { garbage } from './attacks/garbage.ts';
import { impostors } from './attacks/impostors.ts';
import { links } from './attacks/links.ts';
import { neverRead } from './attacks/never-read.ts';
import { slow } from './attacks/slow.ts';
import { thieves } from './attacks/thieves.ts';

/** What the others are to be compared with. */
const calm: Attack = {
  name: 'calm',
  does: 'nothing',
  run: ({ seconds }) => pause(seconds * 1000),
};

export const attacks: readonly Attack[] = [
  calm,
  ...garbage,
  ...cuts,
  ...slow,
  ...neverRead,
  ...bursts,
  ...crowds,
  ...impostors,
  ...thieves,
  ...links,
];

/** A line every ten seconds, so that a long run can be followed. */
import type { Scene } from './scene.ts';
import { percent, whole } from './table.ts';

const EVERY_MS = 10_000;

export type Say = (text: string) => void;

/** `doing` says how far the scenario is. */
export function startProgress({ load, nodes }: Scene, say: Say, doing: () => string): Disposable {
  const startMs = performance.now();
  let before = 0;
  const timer = setInterval(() => {
    const { succeeded, refused, unknown } = load.sightings.totals;
    const all = succeeded + refused + unknown;
    const seconds = Math.round((performance.now() - startMs) / 1000);
    const rate = ((all - before) / EVERY_MS) * 1000;
    before = all;
    const requests = `${whole(rate)} requests/s, ${whole(refused)} refused, ${percent(unknown, all)} unknown`;
    say(`${seconds} s: ${doing()}; ${requests}; ${nodes.up.length} of ${nodes.all.length} nodes up`);
  }, EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** The mix of operations: `get=80,put=15,lock=5` means 80 gets in 100 operations. The weights need not add up to 100. */
import { KeyvalError } from '../../src/errors.ts';
import { type MixKind, mixKinds } from './kinds.ts';

/** How often each kind comes, relative to the others; all above 0. */
export type MixWeights = readonly (readonly [kind: MixKind, weight: number])[];

/** @throws KeyvalError KV_USAGE naming the part that is wrong */
export function parseMix(text: string): MixWeights {
  const weights = text.split(',').map(parsePart);
  const repeated = weights.find(([kind], index) => weights.findIndex(([other]) => other === kind) !== index);
  if (repeated !== undefined) throw wrong(`'${repeated[0]}' comes twice`);
  return weights;
}

function parsePart(part: string): readonly [MixKind, number] {
  const [name = '', weightText, ...rest] = part.trim().split('=');
  const kind = mixKinds.find((known) => known === name);
  if (kind === undefined) throw wrong(`there is no operation '${name}'; there are ${mixKinds.join(', ')}`);
  const weight = Number(weightText);
  if (rest.length > 0 || weightText?.trim() === '' || !(weight > 0 && weight < Number.POSITIVE_INFINITY)) {
    throw wrong(`'${part.trim()}' needs a weight above 0, for example ${kind}=10`);
  }
  return [kind, weight];
}

function wrong(why: string): KeyvalError {
  return new KeyvalError('KV_USAGE', `--mix: ${why}`);
}

/** Draws kinds as often as the weights say. */
export class Mix {
  readonly #kinds: readonly MixKind[];
  /** #bounds[i]: the part of all draws that falls on kinds up to and including i. */
  readonly #bounds: readonly number[];

  constructor(weights: MixWeights) {
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
    let sum = 0;
    this.#kinds = weights.map(([kind]) => kind);
    this.#bounds = weights.map(([, weight]) => {
      sum += weight;
      return sum / total;
    });
  }

  /** @param random from 0 up to, not including, 1 */
  pick(random: number): MixKind {
    let index = 0;
    while (index < this.#bounds.length - 1 && random >= (this.#bounds[index] as number)) index += 1;
    return this.#kinds[index] as MixKind;
  }
}

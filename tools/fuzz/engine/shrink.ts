/** Makes what shows a failure, or reaches a block, smaller while it still does so. */

export type StillShows = (inputs: readonly Uint8Array[]) => Promise<boolean>;

/** Leaves out inputs, then bytes of those that are left. At most `triesMax` tries. */
export async function shrink(
  inputs: readonly Uint8Array[],
  shows: StillShows,
  triesMax: number,
): Promise<readonly Uint8Array[]> {
  let tries = triesMax;
  const attempt = async (candidate: readonly Uint8Array[]): Promise<boolean> => {
    tries -= 1;
    return tries >= 0 && (await shows(candidate));
  };
  let best = inputs;
  const last = inputs.slice(-1);
  if (inputs.length > 1 && (await attempt(last))) best = last;
  for (let at = best.length - 2; at >= 0 && tries > 0; at -= 1) {
    const fewer = best.filter((_, index) => index !== at);
    if (await attempt(fewer)) best = fewer;
  }
  for (let index = 0; index < best.length && tries > 0; index += 1) {
    best = await shrinkOne(best, index, attempt, () => tries > 0);
  }
  return best;
}

async function shrinkOne(
  inputs: readonly Uint8Array[],
  index: number,
  attempt: (candidate: readonly Uint8Array[]) => Promise<boolean>,
  mayTry: () => boolean,
): Promise<readonly Uint8Array[]> {
  let best = inputs;
  for (let piece = (best[index] as Uint8Array).length >> 1; piece >= 1 && mayTry(); piece >>= 1) {
    for (let at = 0; at < (best[index] as Uint8Array).length && mayTry(); ) {
      const shorter = without(best[index] as Uint8Array, at, piece);
      const candidate = best.map((input, other) => (other === index ? shorter : input));
      if (await attempt(candidate)) best = candidate;
      else at += piece;
    }
  }
  return best;
}

function without(input: Uint8Array, at: number, count: number): Uint8Array {
  const rest = new Uint8Array(Math.max(0, input.length - Math.min(count, input.length - at)));
  rest.set(input.subarray(0, at));
  rest.set(input.subarray(at + count), at);
  return rest;
}

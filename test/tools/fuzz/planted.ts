/** A target with a bug behind conditions that chance alone does not pass: each lets one block more be reached. */
import type { Target } from '../../../tools/fuzz/target.ts';

export class PlantedError extends Error {}

export function plantedTarget(files: readonly string[]): Target {
  return {
    name: 'planted',
    files,
    framesFrom: null,
    inputBytesMax: 32,
    inputsPerLife: 1_000_000,
    seeds: [new Uint8Array(8)],
    words: [],
    reset: () => undefined,
    run: (input) => {
      open(input);
      return undefined;
    },
  };
}

function open(input: Uint8Array): number {
  let doors = 0;
  if (input[0] === 0x4b) {
    doors += 1;
    if (input[1] === 0xe9) {
      doors += 1;
      if (input[3] === 0x07) {
        doors += 1;
        if (input[5] === (input[4] as number) + 3) throw new PlantedError('behind four doors');
      }
    }
  }
  return doors;
}

/** What `npm test` runs, quickest first; the last stage is the one whose closing lines count. */
export interface Stage {
  readonly title: string;
  /** The program, a path below node_modules, run by this Node.js. */
  readonly program: string;
  readonly args: readonly string[];
}

const biome = '@biomejs/biome/bin/biome';
const tsc = 'typescript/bin/tsc';
const ava = 'ava/entrypoints/cli.js';

export const stages: readonly Stage[] = [
  { title: 'Format and lint (biome)', program: biome, args: ['check', '--error-on-warnings'] },
  { title: 'Types (tsc)', program: tsc, args: ['-p', 'tsconfig.json'] },
  { title: 'Architecture', program: ava, args: ['test/architecture.test.ts'] },
  { title: 'Tests (ava)', program: ava, args: [] },
];

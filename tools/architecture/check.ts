/** All rules over the source tree, by the sentence that each of them holds. */
import { lengthRule, openingCommentRule } from './form-rules.ts';
import { clientEntryRule, cycleRule, layerRule, packageRule } from './import-rules.ts';
import type { Rule } from './source-tree.ts';
import { coreWordRule, simulatedWordRule, timerRule } from './word-rules.ts';

/** `dependencies`: the package names in package.json's table of that name. */
export function rules(dependencies: readonly string[]): ReadonlyMap<string, Rule> {
  return new Map<string, Rule>([
    ['every import is granted by the table of layers', layerRule],
    ['packages used are dependencies', packageRule(dependencies)],
    ["the client's entry point loads no server code and no package", clientEntryRule],
    ['no file loads itself by way of others', cycleRule],
    ['cores are synchronous and know no clock, no chance, no process', coreWordRule],
    ['protocol, node and client take time and chance from ports', simulatedWordRule],
    ['only io sets real timers', timerRule],
    ['every file opens with a comment', openingCommentRule],
    ['no file is too long', lengthRule],
  ]);
}

/** Blanking: what is code stays in place, all else becomes spaces. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these strings are source text.
import test from 'ava';
import { blank } from '../../../tools/architecture/blank.ts';

/** Source, and what is left of it when the spaces are squeezed. */
const cases: readonly [name: string, source: string, left: string][] = [
  ['line comment', 'a; // Date\nb', 'a; b'],
  ['block comment', 'a /* Date\n * Date */ b', 'a b'],
  ['strings', `a('Date', "Date")`, `a(' ', " ")`],
  ['escaped quote', String.raw`a('\'Date') + b`, `a(' ') + b`],
  ['comment signs in a string', `a('// /*') + b`, `a(' ') + b`],
  ['template', 'a(`Date ${b} Date`) + c', 'a(` ${b} `) + c'],
  ['nested templates', 'a(`Date ${b({ c: `Date ${d}` })} Date`) + e', 'a(` ${b({ c: ` ${d}` })} `) + e'],
  ['escaped in a template', 'a(`\\` Date \\${ Date`) + b', 'a(` `) + b'],
  ['regular expression', 'a(/Date/) + b', 'a(/ /) + b'],
  ['quote in a regular expression', `a = /['"\`]/; b`, 'a = / /; b'],
  ['slash in a character class', 'a = /[/Date]/; b', 'a = / /; b'],
  ['after a keyword', 'return /Date/.test(a)', 'return / /.test(a)'],
  ['division', 'a = b / c; d = e() / f; g = h[0] / i', 'a = b / c; d = e() / f; g = h[0] / i'],
];

for (const [name, source, left] of cases) {
  test(name, (t) => {
    const result = blank(source);
    t.is(result.replace(/\s+/g, ' '), left);
    t.is(result.length, source.length, 'positions stay');
    t.deepEqual(lineBreaks(result), lineBreaks(source), 'line breaks stay');
  });
}

function lineBreaks(text: string): number[] {
  return [...text.matchAll(/\n/g)].map(({ index }) => index);
}

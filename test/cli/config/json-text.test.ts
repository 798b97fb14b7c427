/** JSON with places: the same documents as JSON.parse, and every mistake at its line and column. */
import test from 'ava';
import fc from 'fast-check';
import { JsonDocument, JsonMistake } from '../../../src/cli/config/json-text.ts';

function mistake(text: string): string {
  try {
    new JsonDocument(text);
    return 'none';
  } catch (error) {
    if (!(error instanceof JsonMistake)) throw error;
    return `${error.place.line}:${error.place.column}: ${error.message}`;
  }
}

test('every document has the value that JSON.parse gives it', (t) => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(0, 1, 2), (text, indent) => {
      const pretty = JSON.stringify(JSON.parse(text), null, indent);
      t.deepEqual(new JsonDocument(pretty).value, JSON.parse(pretty));
    }),
  );
});

/** A valid document with one character replaced, removed or added. */
const damaged = fc
  .tuple(fc.json({ maxDepth: 2 }), fc.nat(), fc.constantFrom('', '"', '\\', ',', '}', ']', '0', 'x', '\n', '-', '.'))
  .map(([text, at, sign]) => `${text.slice(0, at % text.length)}${sign}${text.slice((at % text.length) + 1)}`);

test('damaged documents are refused where JSON.parse refuses them', (t) => {
  fc.assert(
    fc.property(damaged, (text) => {
      let accepted = true;
      try {
        JSON.parse(text);
      } catch {
        accepted = false;
      }
      const said = mistake(text);
      if (said.includes('a second time')) return;
      t.is(said === 'none', accepted, `${JSON.stringify(text)}: ${said}`);
    }),
    { numRuns: 2000 },
  );
});

const cases: readonly (readonly [string, string])[] = [
  ['', '1:1: a value should stand here, not the end of the file'],
  ['{"a": 1,\n  "b" 2}', '2:7: a : should stand behind the name of a member, not 2'],
  ['{"a": 1\n  "b": 2}', '2:3: a , or } should stand here, not "'],
  ['{"a": 1,\n}', '2:1: a comma with nothing between it and the }'],
  ['{"a": [1, ]}', '1:11: a comma with nothing between it and the ]'],
  ['{a: 1}', '1:2: the name of a member in double quotes should stand here, not a'],
  ["{'a': 1}", "1:2: the name of a member in double quotes should stand here, not '; texts stand in double quotes"],
  ['{"a": yes}', '1:7: a value should stand here, not yes'],
  ['{"a": 1 // one\n}', '1:9: a , or } should stand here, not /; JSON has no comments'],
  ['{"a": "b\n"}', '1:7: a text without its closing "'],
  ['{"a": "\\x"}', '1:8: JSON does not know this escape'],
  ['{"a": "\t"}', '1:8: a text cannot hold the character U+0009 as it is'],
  ['{"a": 1, "a": 2}', '1:10: the member "a" stands here a second time'],
  ['{"a": 1} {', '1:10: { behind the end of the document'],
  ['{"a": 01}', '1:8: a , or } should stand here, not 1'],
  ['{"a": [1', '1:9: a , or ] should stand here, not the end of the file'],
  ['['.repeat(1000), '1:66: nested more than 64 deep'],
];
for (const [text, expected] of cases) {
  test(`${JSON.stringify(text.slice(0, 30))}: ${expected}`, (t) => {
    t.is(mistake(text), expected);
  });
}

test('where each part stands', (t) => {
  const document = new JsonDocument('\n{"a": 1,\n  "b": [true, {"c": "x"}]}');
  const places = ([[], ['a'], ['b'], ['b', 1], ['b', 1, 'c']] as const).map((path) => document.placeOf(path));
  t.deepEqual(
    places.map(({ line, column }) => [line, column]),
    [
      [2, 1],
      [2, 7],
      [3, 8],
      [3, 15],
      [3, 21],
    ],
  );
  t.deepEqual(document.placeOf(['b', 9, 'c']), { line: 3, column: 8 }, 'of what is not there: the nearest that is');
});

test('a member named __proto__ is one like any other', (t) => {
  const { value } = new JsonDocument('{"__proto__": 1}');
  t.deepEqual(Object.keys(value as object), ['__proto__']);
});

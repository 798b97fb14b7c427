import test from 'ava';
import * as opcodes from '../../src/protocol/opcode.ts';

const { opcodeName } = opcodes;
const named = Object.entries(opcodes).flatMap(([letters, opcode]): [string, number][] =>
  typeof opcode === 'number' ? [[letters, opcode]] : [],
);

test('an opcode is its four letters as a big-endian number', (t) => {
  for (const [letters, opcode] of named) t.is(Buffer.from(letters, 'latin1').readInt32BE(), opcode | 0, letters);
});

test('no two opcodes are the same', (t) => {
  t.is(new Set(named.map(([, opcode]) => opcode)).size, named.length);
});

test('an opcode is shown as its letters', (t) => {
  for (const [letters, opcode] of named) t.is(opcodeName(opcode), letters);
});

test('what cannot be printed is shown in hexadecimal', (t) => {
  t.is(opcodeName(0), '0x00000000');
  t.is(opcodeName(-1), '0xffffffff');
  t.is(opcodeName(0x0a474554), '0x0a474554');
  t.is(opcodeName(Buffer.from('getk').readUInt32BE()), '0x6765746b');
});

/** What people write: addresses, endpoints, options, numbers. A text is read, or refused with a KeyvalError; never anything else. */
import { DEFAULT_PORT, formatAddress, isLoopback, parseAddress } from '../../../src/base/address.ts';
import { Values } from '../../../src/cli/shared/values.ts';
import { parseEndpoints } from '../../../src/client/options.ts';
import { KeyvalError } from '../../../src/errors.ts';
import { isInt64, parseDecimal, writeDecimal } from '../../../src/node/decimal.ts';
import { checkNodeOptions } from '../../../src/node-options.ts';
import { mustHold, type Target } from '../target.ts';

const readers: readonly ((text: string, raw: Uint8Array) => void)[] = [
  address,
  endpoints,
  (text) => void new Values({ _: [], option: text }).byteSize('option'),
  (text) => void new Values({ _: [], option: text }).durationMs('option'),
  (text) => void new Values({ _: [], option: text }).revision('option'),
  (text) => void new Values({ _: [], option: text }).integer('option'),
  members,
  decimal,
];

/** The first byte of an input says who reads it. */
export function textsTarget(): Target {
  return {
    name: 'texts',
    files: [
      'src/base/address.ts',
      'src/cli/shared/values.ts',
      'src/client/options.ts',
      'src/node-options.ts',
      'src/node/decimal.ts',
    ],
    framesFrom: null,
    inputBytesMax: 200,
    inputsPerLife: 1_000_000,
    seeds: ownSeeds(),
    words: [
      '::',
      '[',
      ']:',
      '%eth0',
      '.',
      '255',
      '65535',
      '65536',
      'keyval://',
      'K',
      'ms',
      'localhost',
      '1.5G',
      '0.0.0.0',
    ].map((text) => new TextEncoder().encode(text)),
    reset: () => undefined,
    run,
  };
}

function run(input: Uint8Array): undefined {
  const raw = input.subarray(1);
  try {
    readers[(input[0] ?? 0) % readers.length]?.(Buffer.from(raw).toString('utf8'), raw);
  } catch (error) {
    if (!(error instanceof KeyvalError)) throw error;
    mustHold(error.message.length > 0, 'a refusal says why');
  }
}

/** What was read is written in one way, which reads the same. */
function address(text: string): void {
  const found = parseAddress(text);
  if (found === null) return;
  mustHold(found.port >= 0 && found.port <= 65_535 && found.host !== '', 'an address has a host and a port');
  isLoopback(found.host);
  const written = formatAddress(found);
  const again = parseAddress(written);
  mustHold(again !== null && formatAddress(again) === written, 'an address that was written can be read');
  mustHold(again.port === found.port, 'an address keeps its port');
}

function endpoints(text: string): void {
  const found = parseEndpoints(text);
  mustHold(found.length > 0 && parseEndpoints(found).join() === found.join(), 'endpoints that were read read the same');
}

function members(text: string): void {
  const { settings } = checkNodeOptions({ peers: text.split(','), port: DEFAULT_PORT, insecure: true }, '0.0.0');
  mustHold(settings.members.includes(settings.address), 'a node is one of its members');
}

function decimal(_text: string, raw: Uint8Array): void {
  const value = parseDecimal(raw, 0, raw.length);
  if (value === null) return;
  mustHold(isInt64(value), 'a number that was read has 64 bits');
  const out = new Uint8Array(32);
  const length = writeDecimal(out, value);
  mustHold(parseDecimal(out, 0, length) === value, 'a number that was written reads the same');
}

function ownSeeds(): Uint8Array[] {
  const texts = [
    '10.0.0.1:6234',
    '[::1]:7000',
    'fe80::1%eth0',
    '::ffff:127.0.0.1',
    '1:2:3:4:5:6:7:8',
    'host-1.example',
    '1:0:0:2::',
  ];
  const all: readonly [number, string][] = [
    ...texts.flatMap((text): [number, string][] => [0, 1, 6].map((reader) => [reader, text])),
    [1, 'keyval://a,b:1/'],
    [2, '1.5G'],
    [2, '512K'],
    [3, '1.5s'],
    [3, '10m'],
    [4, '18446744073709551615'],
    [5, '-9223372036854775808'],
    [6, '127.0.0.1,127.0.0.2:7,10.0.0.9'],
    [7, '-9223372036854775808'],
    [7, '0012'],
  ];
  return all.map(([reader, text]) => new Uint8Array([reader, ...new TextEncoder().encode(text)]));
}

import test from 'ava';
import fc from 'fast-check';
import { DEFAULT_PORT, formatAddress, isLoopback, parseAddress } from '../../src/base/address.ts';

const good: readonly [text: string, host: string, port: number][] = [
  ['127.0.0.1', '127.0.0.1', DEFAULT_PORT],
  ['127.0.0.1:7000', '127.0.0.1', 7000],
  ['0.0.0.0:0', '0.0.0.0', 0],
  ['255.255.255.255:65535', '255.255.255.255', 65_535],
  ['localhost', 'localhost', DEFAULT_PORT],
  ['node-1.example_net.org:1', 'node-1.example_net.org', 1],
  ['a', 'a', DEFAULT_PORT],
  ['3com.example', '3com.example', DEFAULT_PORT],
  ['  10.0.0.1:80 ', '10.0.0.1', 80],
  ['::1', '::1', DEFAULT_PORT],
  ['fe80::1%eth0', 'fe80::1%eth0', DEFAULT_PORT],
  ['[::1]', '::1', DEFAULT_PORT],
  ['[::1]:7000', '::1', 7000],
  ['[fe80::1%eth0]:7000', 'fe80::1%eth0', 7000],
  ['[fe80::1%Wan_0]:7000', 'fe80::1%Wan_0', 7000],
  ['[::ffff:127.0.0.1]:7000', '::ffff:127.0.0.1', 7000],
];

for (const [text, host, port] of good) {
  test(`reads '${text}'`, (t) => {
    t.deepEqual(parseAddress(text), { host, port });
  });
}

const bad = [
  ...['', ' ', ':', ':80', 'host:', 'host:x', 'host:-1', 'host:65536', 'host:123456', 'host: 80', 'ho st', 'host/path'],
  ...['1.2.3', '1.2.3.4.5', '256.1.1.1', '1.2.3.', '1..2.3', '-host', 'host-', '.host', 'host.', 'héllo'],
  ...['[::1', '::1]', '[::1]80', '[::1]:', '[::1]:65536', '[]', 'keyval://host', 'a,b', '::g'],
  '1:0:0:f:7.7.0.2::',
];

for (const text of bad) {
  test(`refuses '${text}'`, (t) => {
    t.is(parseAddress(text), null);
  });
}

test('a missing port is the one given', (t) => {
  t.deepEqual(parseAddress('host', 7), { host: 'host', port: 7 });
  t.deepEqual(parseAddress('::1', 7), { host: '::1', port: 7 });
  t.deepEqual(parseAddress('host:8', 7), { host: 'host', port: 8 });
});

test('is written with its port, in lower case, an IPv6 host in brackets', (t) => {
  t.is(formatAddress({ host: 'Node-1', port: 80 }), 'node-1:80');
  t.is(formatAddress({ host: 'FE80::1', port: 80 }), '[fe80::1]:80');
});

test('what was written is read again', (t) => {
  const ipv4 = fc.ipV4();
  const ipv6 = fc.ipV6();
  const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
  fc.assert(
    fc.property(fc.oneof(ipv4, ipv6, name), fc.integer({ min: 0, max: 65_535 }), (host, port) => {
      const written = formatAddress({ host, port });
      const read = parseAddress(written);
      t.is(read?.port, port);
      t.is(read === null ? null : formatAddress(read), written);
    }),
  );
});

test('any text is an address or null, never an exception', (t) => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const address = parseAddress(text);
      if (address !== null) t.true(address.port >= 0 && address.port <= 65_535 && address.host !== '');
    }),
  );
});

test('this machine only', (t) => {
  for (const host of ['127.0.0.1', '127.255.0.3', '::1', 'localhost', '::ffff:127.0.0.1'])
    t.true(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '::2', 'example.org']) t.false(isLoopback(host), host);
});

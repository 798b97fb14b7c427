/** Addresses as people write them: `host`, `host:port`, `[v6]:port`, `v6`. */
import type { Address } from './ports.ts';

export const DEFAULT_PORT = 6234;

/** The address in `text`, or null when it is none. A port that is missing is `defaultPort`. */
export function parseAddress(text: string, defaultPort: number = DEFAULT_PORT): Address | null {
  const trimmed = text.trim();
  const bracketed = /^\[([0-9a-fA-F:.]+(?:%\w+)?)\](?::(\d{1,5}))?$/.exec(trimmed);
  if (bracketed !== null) {
    const host = bracketed[1] as string;
    return isIpv6(host) ? withPort(host, bracketed[2], defaultPort) : null;
  }
  if (trimmed.split(':').length > 2) {
    return isIpv6(trimmed) ? { host: trimmed, port: defaultPort } : null;
  }
  const plain = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::(\d{1,5}))?$/.exec(trimmed);
  if (plain === null || isBadIpv4(plain[1] as string)) return null;
  return withPort(plain[1] as string, plain[2], defaultPort);
}

/** RFC 4291 §2.2: eight groups of hexadecimal digits, one run of zeros left out, perhaps IPv4 at the end, perhaps a zone. */
function isIpv6(host: string): boolean {
  const [address, zone, more] = host.split('%') as [string, string?, string?];
  if (more !== undefined || (zone !== undefined && !/^\w+$/.test(zone))) return false;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = address.endsWith('::') ? '' : (groups.at(-1) ?? '');
  const hasIpv4 = last.includes('.');
  if (hasIpv4 && (isBadIpv4(last) || !/^[\d.]+$/.test(last))) return false;
  if (!groups.slice(0, hasIpv4 ? -1 : groups.length).every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = groups.length + (hasIpv4 ? 1 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}

/** Digits and dots only, and not four numbers below 256: a mistyped address rather than a name. */
function isBadIpv4(host: string): boolean {
  if (!/^[\d.]+$/.test(host)) return false;
  const parts = host.split('.');
  return parts.length !== 4 || parts.some((part) => part === '' || Number(part) > 255);
}

function withPort(host: string, port: string | undefined, defaultPort: number): Address | null {
  const number = port === undefined ? defaultPort : Number(port);
  return number <= 65_535 ? { host, port: number } : null;
}

/** `host:port`, with brackets around an IPv6 host. Two spellings of one address give the same text. */
export function formatAddress(address: Address): string {
  const { host, port } = address;
  return host.includes(':') ? `[${shortIpv6(host.toLowerCase())}]:${port}` : `${host.toLowerCase()}:${port}`;
}

/** The short form of RFC 5952: no leading zeros, the longest run of zero groups left out. IPv4 at the end stays. */
function shortIpv6(host: string): string {
  const [address = '', zone] = host.split('%');
  const [front = '', back] = address.split('::');
  const head = front === '' ? [] : front.split(':');
  const tail = back === undefined || back === '' ? [] : back.split(':');
  const width = tail.concat(head).some((group) => group.includes('.')) ? 7 : 8;
  const zeros = back === undefined ? [] : new Array<string>(Math.max(0, width - head.length - tail.length)).fill('0');
  const groups = [...head, ...zeros, ...tail].map((group) =>
    group.includes('.') ? group : group.replace(/^0+(?=.)/, ''),
  );
  const short = withoutZeros(groups);
  return zone === undefined ? short : `${short}%${zone}`;
}

/** Leaves out the first of the longest runs of at least two zero groups. */
function withoutZeros(groups: readonly string[]): string {
  let start = -1;
  let length = 1;
  for (let at = 0; at < groups.length; at += 1) {
    let end = at;
    while (groups[end] === '0') end += 1;
    if (end - at > length) {
      start = at;
      length = end - at;
    }
  }
  if (start < 0) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** 127/8, ::1 or localhost. */
export function isLoopback(host: string): boolean {
  return /^127\.\d+\.\d+\.\d+$/.test(host) || host === '::1' || host === 'localhost' || /^::ffff:127\./.test(host);
}

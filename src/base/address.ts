/** Addresses as people write them: `host`, `host:port`, `[v6]:port`, `v6`. */
import type { Address } from './ports.ts';

export const DEFAULT_PORT = 6234;

/** The address in `text`, or null when it is none. A port that is missing is `defaultPort`. */
export function parseAddress(text: string, defaultPort: number = DEFAULT_PORT): Address | null {
  const trimmed = text.trim();
  const bracketed = /^\[([0-9a-fA-F:.%a-z]+)\](?::(\d{1,5}))?$/.exec(trimmed);
  if (bracketed !== null) return withPort(bracketed[1] as string, bracketed[2], defaultPort);
  if (trimmed.split(':').length > 2) {
    return /^[0-9a-fA-F:.]+(%\w+)?$/.test(trimmed) ? { host: trimmed, port: defaultPort } : null;
  }
  const plain = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::(\d{1,5}))?$/.exec(trimmed);
  if (plain === null || isBadIpv4(plain[1] as string)) return null;
  return withPort(plain[1] as string, plain[2], defaultPort);
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
  const host = address.host.toLowerCase();
  return host.includes(':') ? `[${host}]:${address.port}` : `${host}:${address.port}`;
}

/** 127/8, ::1 or localhost. */
export function isLoopback(host: string): boolean {
  return /^127\./.test(host) || host === '::1' || host === 'localhost' || /^::ffff:127\./.test(host);
}

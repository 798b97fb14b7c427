/**
 * Memory for what snapshots set aside. They may not take the last of it: when it runs short, an export or a digest is
 * given up before a write is refused.
 */
export interface SnapshotMemory {
  readonly settings: { readonly memoryBytesMax: number };
  hasRoomHere(bytes: number): boolean;
  /** Sets memory aside until the next measurement finds it; false: there is none. */
  reserveHere(bytes: number): boolean;
}

/** Of the limit, left to writes. */
const SHARE_LEFT = 0.1;

export function reserveForSnapshot(host: SnapshotMemory, bytes: number): boolean {
  return host.hasRoomHere(bytes + host.settings.memoryBytesMax * SHARE_LEFT) && host.reserveHere(bytes);
}

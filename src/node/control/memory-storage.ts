/** Where the Raft state of a node without a directory lives: with the node. Its next life has another id. */
import type { RaftStorage, Ready } from '../../raft/messages.ts';

export class MemoryStorage implements RaftStorage {
  persist(_ready: Ready, done: (error: Error | null) => void): void {
    done(null);
  }
}

/**
 * Opcodes: four ASCII letters as a big-endian integer, so that a capture of the wire can be read by eye. GETK, GOTK,
 * PUTK, DELK, LCKK, LKDK and ULKK are the names of the first notes.
 */

// Login
export const HELO = 0x48454c4f;
export const CHAL = 0x4348414c;
export const PROV = 0x50524f56;
export const WLCM = 0x574c434d;

// Requests of clients
export const GETK = 0x4745544b;
export const PUTK = 0x5055544b;
export const DELK = 0x44454c4b;
export const CASK = 0x4341534b;
export const INCR = 0x494e4352;
export const LCKK = 0x4c434b4b;
export const ULKK = 0x554c4b4b;
export const CNCL = 0x434e434c;
export const WANT = 0x57414e54;
export const ATCH = 0x41544348;
export const KEEP = 0x4b454550;
export const CLOS = 0x434c4f53;
export const SCAN = 0x5343414e;
export const XPRT = 0x58505254;
export const HASH = 0x48415348;
export const STGE = 0x53544745;
export const BTCH = 0x42544348;
export const LOAD = 0x4c4f4144;
export const PING = 0x50494e47;
export const STAT = 0x53544154;
export const TABL = 0x5441424c;
export const CLUS = 0x434c5553;

// Replies
export const GOTK = 0x474f544b;
export const FRAG = 0x46524147;
export const DONE = 0x444f4e45;
export const LKDK = 0x4c4b444b;
export const WAIT = 0x57414954;
export const WNTD = 0x574e5444;
export const LOST = 0x4c4f5354;
export const KEPT = 0x4b455054;
export const SCND = 0x53434e44;
export const XPRD = 0x58505244;
export const HSHD = 0x48534844;
export const STGD = 0x53544744;
export const LODD = 0x4c4f4444;
export const PONG = 0x504f4e47;
export const STAD = 0x53544144;
export const CLUD = 0x434c5544;
export const MOVD = 0x4d4f5644;
export const FAIL = 0x4641494c;

// Between nodes
export const APND = 0x41504e44;
export const ACKN = 0x41434b4e;
export const BEAT = 0x42454154;
export const DROP = 0x44524f50;

// The control plane: Raft, founding, joining, proposals
export const RPVQ = 0x52505651;
export const RPVD = 0x52505644;
export const RVOT = 0x52564f54;
export const RVTD = 0x52565444;
export const RAPP = 0x52415050;
export const RAPD = 0x52415044;
export const RBEA = 0x52424541;
export const RBED = 0x52424544;
export const RSNP = 0x52534e50;
export const RTON = 0x52544f4e;
export const RRDQ = 0x52524451;
export const RRDA = 0x52524441;
export const FNDQ = 0x464e4451;
export const FNDA = 0x464e4441;
export const FNDC = 0x464e4443;
export const JOIN = 0x4a4f494e;
export const PROP = 0x50524f50;

// Confirming reads, snapshots of partitions, leases given back
export const CONF = 0x434f4e46;
export const CNFD = 0x434e4644;
export const SNAP = 0x534e4150;
export const SNPD = 0x534e5044;
export const REPT = 0x52455054;
export const WISH = 0x57495348;
export const LRLS = 0x4c524c53;

// Requests handed on
export const OWNR = 0x4f574e52;

// Deadlocks
export const DLKQ = 0x444c4b51;
export const DLKA = 0x444c4b41;
export const DLKV = 0x444c4b56;

// On a liveness link
export const STLL = 0x53544c4c;

/** The four letters of an opcode, or its hexadecimal form when they cannot be printed. */
export function opcodeName(opcode: number): string {
  const letters = String.fromCharCode(opcode >>> 24, (opcode >>> 16) & 255, (opcode >>> 8) & 255, opcode & 255);
  return /^[A-Z]{4}$/.test(letters) ? letters : `0x${(opcode >>> 0).toString(16).padStart(8, '0')}`;
}

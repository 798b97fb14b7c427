/**
 * How the code of today reads and writes each frame: through the encoders and decoders of src/protocol where there are
 * some, through its offsets otherwise.
 */
import type { FrameWriter } from '../../../src/protocol/frame-writer.ts';
import * as control from './control-bodies.ts';
import * as deadlock from './deadlock-bodies.ts';
import { type BodyCodec, type Fields, ofLayout } from './layout.ts';
import * as bulk from './load-bodies.ts';
import * as login from './login-bodies.ts';
import * as peer from './peer-bodies.ts';
import * as reply from './reply-bodies.ts';
import * as request from './request-bodies.ts';

const nothing: BodyCodec = ofLayout([]);
const anything: BodyCodec = ofLayout([['bytes', 'rest', 0]]);

/** By opcode. */
export const bodyCodecs: Readonly<Record<string, BodyCodec>> = {
  HELO: login.hello,
  CHAL: login.challenge,
  PROV: login.proof,
  WLCM: login.welcome,
  GETK: request.get,
  PUTK: request.write,
  CASK: request.write,
  DELK: request.write,
  INCR: request.write,
  LCKK: request.write,
  ULKK: request.write,
  CNCL: request.write,
  WANT: request.write,
  ATCH: request.attach,
  KEEP: request.session,
  CLOS: request.session,
  SCAN: request.scan,
  XPRT: request.exportPage,
  HASH: request.hash,
  STGE: request.stage,
  LOAD: bulk.load,
  BTCH: request.batch,
  PING: anything,
  STAT: nothing,
  TABL: login.table,
  GOTK: reply.got,
  FRAG: reply.fragment,
  DONE: reply.done,
  LKDK: reply.locked,
  WAIT: nothing,
  WNTD: reply.wanted,
  LOST: reply.lost,
  KEPT: request.kept,
  SCND: reply.scanned,
  XPRD: reply.exported,
  HSHD: reply.hashed,
  LODD: bulk.loaded,
  STGD: nothing,
  PONG: anything,
  STAD: anything,
  MOVD: reply.moved,
  FAIL: reply.fail,
  APND: peer.appended,
  ACKN: peer.acknowledged,
  BEAT: peer.beat,
  DROP: nothing,
  CONF: peer.named,
  CNFD: peer.named,
  LRLS: peer.named,
  REPT: peer.report,
  WISH: peer.wish,
  OWNR: anything,
  STLL: peer.stall,
  DLKQ: deadlock.asked,
  DLKA: deadlock.reported,
  DLKV: deadlock.condemned,
  SNAP: peer.snapshot,
  SNPD: peer.snapshotTaken,
  CLUS: anything,
  CLUD: anything,
  FNDQ: control.foundingAsked,
  FNDA: control.foundingAnswered,
  FNDC: control.founded,
  JOIN: control.joinAsked,
  PROP: anything,
  RPVQ: control.raft('pre-vote'),
  RPVD: control.raft('pre-vote-reply'),
  RVOT: control.raft('vote'),
  RVTD: control.raft('vote-reply'),
  RAPP: control.raft('append'),
  RAPD: control.raft('append-reply'),
  RBEA: control.raft('heartbeat'),
  RBED: control.raft('heartbeat-reply'),
  RSNP: control.raft('snapshot'),
  RTON: control.raft('time-out-now'),
  RRDQ: control.raft('read-request'),
  RRDA: control.raft('read-reply'),
};

/** Writes a whole frame. */
export function writeFrame(writer: FrameWriter, opcode: string, messageId: number, fields: Fields): void {
  writer.begin(Buffer.from(opcode, 'latin1').readUInt32BE(), messageId);
  (bodyCodecs[opcode] as BodyCodec).write(writer, fields);
  writer.end();
}

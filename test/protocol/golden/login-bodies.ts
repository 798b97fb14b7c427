/** Bodies of the login and of the table. */
import * as login from '../../../src/protocol/hello-codec.ts';
import { type BodyCodec, type Fields, hex, numberOf, ofLayout, textOf, unhex } from './layout.ts';

export const hello: BodyCodec = {
  read: (body) => {
    const { peer, nonce, owner, ...fields } = login.decodeHello(body);
    if (peer === null) return { ...fields, nonce: hex(nonce), ...(owner === null ? {} : { owner: hex(owner) }) };
    const { incarnation, members, ...others } = peer;
    return { ...fields, nonce: hex(nonce), ...others, incarnation: hex(incarnation), members: members.join(' ') };
  },
  write: (writer, fields) =>
    login.encodeHello(writer, {
      versionOldest: numberOf(fields, 'versionOldest'),
      version: numberOf(fields, 'version'),
      role: numberOf(fields, 'role'),
      flags: numberOf(fields, 'flags'),
      nonce: unhex(fields.nonce),
      cluster: textOf(fields, 'cluster'),
      name: textOf(fields, 'name'),
      owner: fields.owner === undefined ? null : unhex(fields.owner),
      peer: fields.role === login.Role.client ? null : peerOf(fields),
    }),
};

function peerOf(fields: Fields): login.PeerHello {
  return {
    incarnation: unhex(fields.incarnation),
    address: textOf(fields, 'address'),
    partitions: numberOf(fields, 'partitions'),
    replicas: numberOf(fields, 'replicas'),
    members: textOf(fields, 'members').split(' '),
    nodeId: numberOf(fields, 'nodeId'),
    clusterId: textOf(fields, 'clusterId'),
  };
}

export const challenge: BodyCodec = ofLayout([['nonce', login.NONCE_BYTES, 0]]);
export const proof: BodyCodec = ofLayout([['proof', login.PROOF_BYTES, 0]]);

export const welcome: BodyCodec = {
  read: (body) => {
    const { table: routes, incarnation, proof: own, ...others } = login.decodeWelcome(body);
    return { ...others, incarnation: hex(incarnation), proof: hex(own), ...shownTable(routes) };
  },
  write: (writer, fields) =>
    login.encodeWelcome(writer, {
      version: numberOf(fields, 'version'),
      incarnation: unhex(fields.incarnation),
      proof: unhex(fields.proof),
      table: tableOf(fields),
      nodeId: numberOf(fields, 'nodeId'),
      clusterId: textOf(fields, 'clusterId'),
      address: textOf(fields, 'address'),
    }),
};

/** The request is empty, the reply is a table. */
export const table: BodyCodec = {
  read: (body) => (body.length === 0 ? {} : shownTable(login.decodeTable(body))),
  write: (writer, fields) => {
    if (fields.tableVersion !== undefined) login.encodeTable(writer, tableOf(fields));
  },
};

function shownTable({ version, partitions, self, members, primaries }: login.RoutingTable): Fields {
  return { tableVersion: version, partitions, self, members: members.join(' '), primaries: [...primaries] };
}

function tableOf(fields: Fields): login.RoutingTable {
  return {
    version: numberOf(fields, 'tableVersion'),
    partitions: numberOf(fields, 'partitions'),
    self: numberOf(fields, 'self'),
    members: textOf(fields, 'members').split(' '),
    primaries: Uint16Array.from(fields.primaries as number[]),
  };
}

/**
 * The lines of kvh/1: `call` and `ret` of each kind of operation, `meta`, `note`. One table says what each kind asks,
 * another what its answer carries; both are checked in full.
 */

import {
  asFields,
  decimalField,
  durationField,
  type Fields,
  flagField,
  integerField,
  LineError,
  listField,
  optional,
  signedField,
  textField,
  valueField,
} from './fields.ts';
import { type Level, Operation, type OperationKind, type Outcome, operationKinds } from './operation.ts';

/** The answer of a `ret` line, before it has met its call. */
export interface Answer {
  readonly id: number;
  readonly ts: number;
  readonly outcome: Outcome;
  readonly fields: Fields;
  readonly line: number;
}

const NO_FIELDS: Fields = {};

/** Kinds that concern a session and not a key. */
const KEYLESS: ReadonlySet<OperationKind> = new Set(['keepalive', 'close']);

const KINDS: ReadonlySet<unknown> = new Set(operationKinds);
const LEVELS: ReadonlySet<unknown> = new Set(['lin', 'stale', 'mono']);
const OUTCOMES: ReadonlySet<unknown> = new Set(['ok', 'fail', 'unknown']);

/** @param json a `call` line */
export function parseCall(json: Fields, line: number): Operation {
  const kind = json.f;
  if (!KINDS.has(kind)) throw new LineError(`"f" is ${JSON.stringify(kind)}, which is no operation of kvh/1`);
  const level = json.lvl ?? 'lin';
  if (!LEVELS.has(level)) throw new LineError(`"lvl" is ${JSON.stringify(level)}; it must be lin, stale or mono`);
  const key = KEYLESS.has(kind as OperationKind) ? '' : textField(json, 'k');
  const operation = new Operation(
    integerField(json, 'id'),
    textField(json, 'p'),
    kind as OperationKind,
    key,
    level as Level,
    line,
    integerField(json, 'ts'),
  );
  const question = json.a === undefined ? NO_FIELDS : asFields(json.a, '"a"');
  readQuestion[operation.kind](operation, question);
  return operation;
}

/** @param json a `ret` line */
export function parseAnswer(json: Fields, line: number): Answer {
  const outcome = json.r;
  if (!OUTCOMES.has(outcome)) throw new LineError(`"r" is ${JSON.stringify(outcome)}; it must be ok, fail or unknown`);
  const fields = json.o === undefined || json.o === null ? NO_FIELDS : asFields(json.o, '"o"');
  return { id: integerField(json, 'id'), ts: integerField(json, 'ts'), outcome: outcome as Outcome, fields, line };
}

/** Joins an answer to its call. */
export function answer(operation: Operation, reply: Answer): void {
  if (reply.ts < operation.sentAt) {
    throw new LineError(`the answer to id ${reply.id} is stamped ${reply.ts}, before its call at ${operation.sentAt}`);
  }
  operation.answeredAt = reply.ts;
  operation.outcome = reply.outcome;
  if (reply.outcome === 'ok') readAnswer[operation.kind](operation, reply.fields);
}

type Read = (operation: Operation, fields: Fields) => void;

const nothing: Read = () => undefined;

const sessionOnly: Read = (operation, a) => {
  operation.session = textField(a, 's');
};

const lease: Read = (operation, a) => {
  operation.session = textField(a, 's');
  operation.token = decimalField(a, 'token');
  operation.ttl = optional(durationField, a, 'ttl');
};

const readQuestion: Readonly<Record<OperationKind, Read>> = {
  get: nothing,
  del: nothing,
  holder: nothing,
  sread: nothing,
  put: (operation, a) => {
    operation.value = textField(a, 'v');
    operation.ttl = optional(durationField, a, 'ttl');
  },
  cas: (operation, a) => {
    operation.value = textField(a, 'to');
    operation.expected = optional(valueField, a, 'from');
    operation.expectedVersion = optional(decimalField, a, 'ver');
    operation.ttl = optional(durationField, a, 'ttl');
    if (operation.expected === undefined && operation.expectedVersion === undefined) {
      throw new LineError('a cas needs "from" or "ver"');
    }
  },
  incr: (operation, a) => {
    operation.value = optional(signedField, a, 'by') ?? '1';
  },
  acquire: (operation, a) => {
    operation.session = textField(a, 's');
    operation.ttl = optional(durationField, a, 'ttl');
  },
  renew: lease,
  release: lease,
  keepalive: sessionOnly,
  close: sessionOnly,
  fwrite: (operation, a) => {
    operation.token = decimalField(a, 'token');
  },
  sadd: (operation, a) => {
    operation.value = textField(a, 'e');
  },
};

const okOnly: Read = (operation, o) => {
  operation.accepted = flagField(o, 'ok');
};

const readAnswer: Readonly<Record<OperationKind, Read>> = {
  get: (operation, o) => {
    operation.found = valueField(o, 'v');
    operation.version = optional(decimalField, o, 'ver');
  },
  put: (operation, o) => {
    operation.version = optional(decimalField, o, 'ver');
  },
  del: (operation, o) => {
    operation.accepted = optional(flagField, o, 'found');
    operation.version = optional(decimalField, o, 'ver');
  },
  cas: (operation, o) => {
    operation.accepted = flagField(o, 'ok');
    operation.version = optional(decimalField, o, 'ver');
    // Of a cas that succeeded, "v" says nothing that "to" does not.
    if (!operation.accepted) operation.found = optional(valueField, o, 'v');
  },
  incr: (operation, o) => {
    operation.found = signedField(o, 'v');
    operation.version = optional(decimalField, o, 'ver');
  },
  acquire: (operation, o) => {
    operation.accepted = flagField(o, 'got');
    if (operation.accepted) operation.token = decimalField(o, 'token');
  },
  renew: okOnly,
  release: okOnly,
  keepalive: okOnly,
  close: okOnly,
  holder: (operation, o) => {
    operation.holder = valueField(o, 's');
    operation.token = optional(decimalField, o, 'token');
  },
  fwrite: okOnly,
  sadd: nothing,
  sread: (operation, o) => {
    operation.elements = listField(o, 'es');
  },
};

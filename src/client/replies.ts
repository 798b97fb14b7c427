/** What a node answers: ends the request, or leads to its next attempt. */
import type { KeyvalError } from '../errors.ts';
import type { FrameDecoder } from '../protocol/frame-decoder.ts';
import { decodeFail } from '../protocol/login.ts';
import * as op from '../protocol/opcode.ts';
import * as answers from './answers.ts';
import type { Codec } from './codecs.ts';
import type { Endings } from './endings.ts';
import type { FragmentedReplies } from './fragmented-replies.ts';
import type { NodeLink } from './node-link.ts';
import type { Operation } from './operation.ts';
import type { Retries } from './retries.ts';
import type { Router } from './router.ts';
import type { Session } from './session.ts';
import { undecodable } from './verdict.ts';

export interface ReplyParts {
  readonly router: Router;
  readonly session: Session;
  readonly endings: Endings;
  readonly retries: Retries;
  readonly fragments: FragmentedReplies;
  readonly decode: Codec<unknown>;
}

export class Replies {
  readonly #router: Router;
  readonly #session: Session;
  readonly #endings: Endings;
  readonly #retries: Retries;
  readonly #fragments: FragmentedReplies;
  readonly #decode: Codec<unknown>;

  constructor({ router, session, endings, retries, fragments, decode }: ReplyParts) {
    this.#router = router;
    this.#session = session;
    this.#endings = endings;
    this.#retries = retries;
    this.#fragments = fragments;
    this.#decode = decode;
  }

  /** Takes a reply to `operation`; its body lies in `frame`. */
  take(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    switch (frame.opcode) {
      case op.GOTK:
      case op.XPRD:
        return this.#got(link, operation, frame);
      case op.DONE:
        return this.#done(link, operation, frame);
      case op.LKDK:
        return this.#settled(link, operation, answers.readGrant(frame));
      case op.WAIT:
        return this.#queued(operation);
      case op.FRAG:
        return this.#fragment(link, operation, frame);
      case op.FAIL:
        return this.#refused(link, operation, decodeFail(answers.bodyOf(frame)));
      case op.MOVD:
        return this.#moved(link, operation, frame);
      default:
        return this.#settled(link, operation, answers.readOther(frame, operation.shape));
    }
  }

  #got(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    try {
      if (!answers.isFragmented(frame))
        return this.#settled(link, operation, answers.readGot(frame, operation.shape, this.#decode));
      this.#fragments.begin(link, operation, answers.bodyOf(frame));
    } catch (error) {
      this.#finish(link, operation, undecodable(error));
    }
  }

  #fragment(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    const whole = this.#fragments.add(link, operation, frame);
    if (whole === null) return;
    try {
      this.#settled(link, operation, answers.readWhole(whole, operation.shape, this.#decode));
    } catch (error) {
      this.#finish(link, operation, undecodable(error));
    }
  }

  #done(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    try {
      this.#settled(link, operation, answers.readDone(frame, operation.shape));
    } catch (error) {
      this.#finish(link, operation, error as KeyvalError);
    }
  }

  /** The node has queued the wait: it is found there by its own, and the mark may pass it (L5). */
  #queued(operation: Operation): void {
    operation.queued = true;
    operation.deadlineMs = operation.queuedUntilMs;
    this.#session.at(operation.partition).answered(operation.sequence);
  }

  #moved(link: NodeLink, operation: Operation, frame: FrameDecoder): void {
    link.pending.remove(operation);
    operation.missed = true;
    this.#router.moved(operation.partition, link, answers.readMoved(frame));
    this.#retries.moved(operation, link, answers.movedUnknown(frame));
  }

  #settled(link: NodeLink, operation: Operation, result: unknown): void {
    link.pending.remove(operation);
    this.#endings.resolve(operation, result);
  }

  #finish(link: NodeLink, operation: Operation, error: KeyvalError): void {
    link.pending.remove(operation);
    this.#endings.reject(operation, error);
  }

  /** The node answered with an error. */
  #refused(link: NodeLink, operation: Operation, error: KeyvalError): void {
    link.pending.remove(operation);
    if (operation.opcode === op.ATCH || operation.opcode === op.STGE) return this.#endings.reject(operation, error);
    if (error.code === 'KV_NO_SESSION') return this.#retries.sessionLost(operation, error);
    this.#retries.failed(operation, error);
  }
}

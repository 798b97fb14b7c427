/**
 * Interaction traces: a group is told what to do, line by line, and everything it does is written down. Messages are
 * delivered at once, in the order sent; the random part of time-outs is 0. Commands, after `> `:
 *
 *     nodes 1 2 3 [learners 4] [spare 5]   who founds the group; spare nodes run and know of nobody
 *     wait MS                 lets time pass
 *     until leader            lets time pass until some node may act as leader
 *     propose N TEXT          at node N; `read N ID`, `change N KIND ID`, `transfer N TARGET`, `compact N`, `seniority N ID…`
 *     hold N / let N          messages to N wait / arrive
 *     cut A B / heal          no messages between A and B / between anybody
 *     pause N / wake N        the process sleeps, wakes up
 *     crash N / start N
 *     status
 *     beats on|off            whether heartbeats are written down; off at first
 */
import { Prng } from '../../../src/base/prng.ts';
import type { DurableState, Message, NodeId, Ready } from '../../../src/raft/messages.ts';
import type { Proposed } from '../../../src/raft/proposals.ts';
import { defaultRaftSettings } from '../../../src/raft/settings.ts';
import { Member } from './member.ts';
import { entryText, noDice, show } from './messages.ts';

const LINES_MAX = 500;
const encoder = new TextEncoder();

class Stage {
  readonly #members = new Map<NodeId, Member>();
  readonly #roles = new Map<NodeId, string>();
  readonly #asleep = new Map<NodeId, Message[]>();
  readonly #held = new Map<NodeId, Message[]>();
  readonly #cut = new Set<string>();
  readonly #queue: Message[] = [];
  #lines: string[] = [];
  #nowMs = 0;
  #showsBeats = false;

  run(command: string): string[] {
    this.#lines = [];
    const [verb = '', ...rest] = command.split(' ');
    this.#do(verb, rest);
    this.#settle();
    return this.#lines;
  }

  #write(line: string): void {
    if (this.#lines.length >= LINES_MAX) throw new Error('the trace does not end');
    this.#lines.push(line);
  }

  #do(verb: string, rest: readonly string[]): void {
    const id = Number(rest[0]);
    switch (verb) {
      case 'nodes':
        return this.#found(rest);
      case 'wait':
        return this.#wait(id);
      case 'until':
        return this.#untilLeader();
      case 'propose':
        return this.#say(this.#at(id).raft.propose(encoder.encode(rest[1]), this.#nowMs));
      case 'change': {
        const kind = rest[1] as 'remove';
        return this.#say(this.#at(id).raft.proposeChange({ kind, id: Number(rest[2]) }, this.#nowMs));
      }
      case 'read':
        return this.#write(`  ${this.#at(id).raft.readIndex(Number(rest[1]), this.#nowMs) ?? 'asked'}`);
      case 'transfer':
        return this.#write(`  ${this.#at(id).raft.transfer(Number(rest[1]), this.#nowMs) ?? 'begun'}`);
      case 'compact':
        return this.#write(`  ${this.#at(id).raft.compact(this.#at(id).state.save()) ? 'done' : 'refused'}`);
      case 'seniority':
        return this.#at(id).raft.setSeniority(rest.slice(1).map(Number));
      case 'status':
        return this.#status();
      case 'beats':
        this.#showsBeats = rest[0] === 'on';
        return;
      default:
        return this.#disturb(verb, id, Number(rest[1]));
    }
  }

  #disturb(verb: string, id: NodeId, other: NodeId): void {
    switch (verb) {
      case 'cut':
        this.#cut.add(`${id} ${other}`).add(`${other} ${id}`);
        return;
      case 'heal':
        return this.#cut.clear();
      case 'hold':
        this.#held.set(id, []);
        return;
      case 'let':
        this.#queue.push(...(this.#held.get(id) ?? []));
        this.#held.delete(id);
        return;
      case 'pause':
        this.#asleep.set(id, []);
        return;
      case 'wake':
        this.#queue.push(...(this.#asleep.get(id) ?? []));
        this.#asleep.delete(id);
        return this.#at(id).raft.tick(this.#nowMs);
      case 'crash':
        return this.#at(id).crash(new Prng(1));
      case 'start':
        return this.#at(id).start(this.#nowMs);
      default:
        throw new Error(`no such command: ${verb}`);
    }
  }

  #at(id: NodeId): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`no node ${id}`);
    return member;
  }

  #found(words: readonly string[]): void {
    const groups: Record<string, NodeId[]> = { voters: [], learners: [], spare: [] };
    let group = 'voters';
    for (const word of words) {
      if (word in groups) group = word;
      else groups[group]?.push(Number(word));
    }
    const { voters = [], learners = [], spare = [] } = groups;
    for (const id of [...voters, ...learners, ...spare]) {
      const isSpare = spare.includes(id);
      const member = new Member({
        id,
        founders: isSpare ? { voters: [], learners: [] } : { voters, learners },
        settings: { ...defaultRaftSettings, keptEntries: 0 },
        dice: noDice,
        watcher: {
          send: (message) => this.#queue.push(message),
          ready: () => {},
          advanced: (from, ready) => this.#advanced(from, ready),
          restored: (from, state) => this.#restored(from, state),
        },
      });
      this.#members.set(id, member);
      member.start(this.#nowMs);
    }
  }

  #restored({ id }: Member, { hardState, entries, snapshot }: DurableState): void {
    this.#roles.set(id, `follower of term ${hardState.term}`);
    const last = snapshot.index + entries.length;
    if (last > 0 || hardState.term > 0) this.#write(`  ${id} starts in term ${hardState.term} with entries to ${last}`);
  }

  #advanced({ id }: Member, { committed, reads, snapshot, isInstalled }: Ready): void {
    if (snapshot !== null) this.#write(`  ${id} ${isInstalled ? 'loads' : 'takes'} a snapshot up to ${snapshot.index}`);
    if (committed.length > 0) this.#write(`  ${id} applies ${committed.map(entryText).join(', ')}`);
    for (const { id: read, index } of reads) {
      this.#write(`  ${id} may answer read ${read} ${index === null ? 'never: it lost its place' : `at ${index}`}`);
    }
  }

  /** Does all that is ready and delivers all that is sent, until nothing is left. */
  #settle(): void {
    do {
      for (const member of this.#members.values()) {
        if (member.isUp && !this.#asleep.has(member.id)) member.turn();
        this.#watchRole(member);
      }
      const message = this.#queue.shift();
      if (message !== undefined) this.#deliver(message);
    } while (this.#queue.length > 0 || [...this.#members.values()].some((member) => this.#isReady(member)));
  }

  #isReady(member: Member): boolean {
    if (!member.isUp || this.#asleep.has(member.id)) return false;
    const before = this.#queue.length + this.#lines.length;
    member.turn();
    return this.#queue.length + this.#lines.length > before;
  }

  #watchRole(member: Member): void {
    if (!member.isUp) return;
    const { role, term } = member.raft.status;
    const text = `${role} of term ${term}`;
    if (this.#roles.get(member.id) === text) return;
    this.#roles.set(member.id, text);
    this.#write(`  ${member.id} is ${text}, at ${this.#nowMs} ms`);
  }

  #deliver(message: Message): void {
    const { from, to, type } = message;
    const isBeat = type === 'heartbeat' || type === 'heartbeat-reply';
    const member = this.#members.get(to);
    const isLost = this.#cut.has(`${from} ${to}`) || member?.isUp !== true;
    const waits = this.#held.get(to) ?? this.#asleep.get(to);
    const remark = isLost ? ' — lost' : waits === undefined ? '' : ' — waits';
    if (!isBeat || this.#showsBeats) this.#write(`  ${show(message)}${remark}`);
    if (isLost) return;
    if (waits !== undefined) waits.push(message);
    else member.raft.step(message, this.#nowMs);
    this.#watchRole(member);
  }

  #awake(): Member[] {
    return [...this.#members.values()].filter((member) => member.isUp && !this.#asleep.has(member.id));
  }

  #wait(forMs: number): void {
    const endMs = this.#nowMs + forMs;
    while (this.#nowMs < endMs) this.#advanceTo(Math.min(endMs, this.#nextMs()));
  }

  #nextMs(): number {
    const timers = this.#awake().map(({ raft }) => raft.nextTimerMs);
    return Math.max(this.#nowMs + 1, Math.min(this.#nowMs + 100, ...timers));
  }

  #advanceTo(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const member of this.#awake()) {
      member.raft.tick(nowMs);
      this.#watchRole(member);
    }
    this.#settle();
  }

  #untilLeader(): void {
    const endMs = this.#nowMs + 10_000;
    this.#settle();
    while (this.#nowMs < endMs && !this.#awake().some(({ raft }) => raft.status.mayAct))
      this.#advanceTo(this.#nextMs());
  }

  #say(proposed: Proposed): void {
    this.#write(
      'accepted' in proposed
        ? `  accepted as ${proposed.accepted.index}/${proposed.accepted.term}`
        : `  ${proposed.refused}`,
    );
  }

  #status(): void {
    for (const member of this.#members.values()) {
      this.#write(member.isUp ? `  ${statusText(member)}` : `  ${member.id} is down`);
    }
  }
}

function statusText({ id, raft }: Member): string {
  const { role, term, leader, commit, lastIndex, mayAct } = raft.status;
  const { voters, learners } = raft.configuration;
  const members = `voters ${voters.join(',') || 'none'}${learners.length > 0 ? ` learners ${learners.join(',')}` : ''}`;
  return `${id} ${role} term ${term} leader ${leader} commit ${commit} last ${lastIndex}${mayAct ? ' may act' : ''}; ${members}`;
}

/** Runs the commands of a trace and writes what they do below each of them. */
export function replayTrace(text: string): string {
  const stage = new Stage();
  const out: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('  ')) continue; // what was done the last time
    out.push(line);
    if (line.startsWith('> ')) out.push(...stage.run(line.slice(2)));
  }
  return out.join('\n');
}

/**
 * One partition, its members and a tiny book, taken through a schedule that a seed decides: reigns, proposals that get lost
 * or come late, failures and returns, links that break and lose what is on them. Links keep their order; between links
 * anything may overtake anything, and everybody learns of the book when it likes.
 *
 * The rules hold as long as somebody of the electorate lives: the schedule spares the last one.
 */
import { Prng } from '../../../src/base/prng.ts';
import { Member, type Packet } from './member.ts';
import { type Change, type Configuration, electorate, TinyBook } from './tiny-book.ts';

/** Rounds in which everything that is under way must come to rest. */
const QUIET_ROUNDS_MAX = 200;

/** One direction between two members. */
interface Link {
  readonly from: Member;
  readonly to: Member;
  up: boolean;
  readonly packets: Packet[];
  /** Snapshots have a link of their own, which may be slower. */
  readonly bulk: Packet[];
}

export class World {
  readonly members: readonly Member[];
  readonly book: TinyBook;
  /** Everything that ever was committed, in order. */
  readonly committed: string[] = [];
  readonly #links: Link[] = [];
  readonly #random: Prng;
  /** Changes on their way to the book. */
  #proposals: Change[] = [];
  /** Of 1000 steps, so many let somebody fail, and elect somebody. */
  readonly #failures: number;
  readonly #elections: number;
  #contents = 0;
  /** One step at a time: a primary is seen to commit before anybody is told. */
  #steps = true;
  readonly #commitSeen: number[];
  readonly #incarnationSeen: number[];
  /** What the schedule came across. */
  readonly counts = { reigns: 0, failures: 0, snapshots: 0, truncations: 0, expansions: 0, shrinks: 0, frozen: 0 };

  constructor(seed: number) {
    this.#random = new Prng(seed);
    const count = this.#pick([2, 3, 3, 4]);
    const min = this.#pick([1, 2, 2, 3]);
    const operationsMax = this.#pick([4, 20, 1000]);
    const patient = this.#chance(500);
    this.#failures = this.#pick([0, 5, 20]);
    this.#elections = this.#pick([0, 10, 30, 80]);
    this.book = new TinyBook(count, Math.min(min, count));
    this.members = Array.from(
      { length: count },
      (_, id) => new Member(id, count, this.book.min, operationsMax, patient),
    );
    for (const from of this.members)
      for (const to of this.members) if (from !== to) this.#links.push({ from, to, up: true, packets: [], bulk: [] });
    this.#commitSeen = this.members.map(() => 0);
    this.#incarnationSeen = this.members.map(() => 0);
    for (const member of this.members) this.#learn(member, this.book.newest);
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.below(choices.length)] as T;
  }

  #chance(perMille: number): boolean {
    return this.#random.below(1000) < perMille;
  }

  member(id: number): Member {
    return this.members[id] as Member;
  }

  // ---- steps

  step(): void {
    const member = this.#pick(this.members);
    const link = this.#pick(this.#links);
    if (this.#chance(this.#failures)) return this.#failOrReturn(member);
    if (this.#chance(this.#elections)) return this.#elect();
    if (this.#chance(20)) return this.#break(link);
    switch (this.#random.below(15)) {
      case 0:
      case 1:
        return this.append();
      case 2:
      case 3:
        return this.#send(link, member.alive ? link.from.nextFor(link.to.id, 1 + this.#random.below(5)) : null);
      case 4:
        return this.#send(link, link.from.commitFor(link.to.id));
      case 5:
        return this.#learnOne(member);
      case 6:
        return this.#propose(200);
      case 7:
        return this.#decide();
      case 8:
        member.drop();
        return;
      case 9:
        return link.up ? this.#announce(link.from) : this.#connect(link);
      case 10:
        return this.#deliver(link, link.bulk);
      default:
        return this.#deliver(link);
    }
  }

  append(): void {
    for (const member of this.members) {
      if (!member.writable) continue;
      this.#contents += 1;
      member.append(this.#contents);
    }
  }

  // ---- failures

  #failOrReturn(member: Member): void {
    if (!member.alive) return this.#return(member);
    if (this.#livingElectors(member.id).length === 0) return;
    member.crash();
    this.counts.failures += 1;
    for (const link of this.#links) if (link.from === member || link.to === member) this.#break(link);
  }

  /** Others than `without` whom the book counts on, and who live the life that it names: they hold everything. */
  #livingElectors(without: number): number[] {
    const { newest } = this.book;
    return electorate(newest).filter((id) => id !== without && this.#isNamed(newest, id));
  }

  #isNamed({ incarnations }: Configuration, id: number): boolean {
    const { alive, incarnation } = this.member(id);
    return alive && incarnations[id] === incarnation;
  }

  /** R3: a new life that the book fences before anybody believes it. */
  #return(member: Member): void {
    member.restart();
    this.#proposals.push({ kind: 'join', member: member.id, incarnation: member.incarnation, heir: -1 });
  }

  // ---- the book

  #elect(): void {
    const { newest } = this.book;
    const candidates = this.#livingElectors(-1);
    // Whom the commander cannot reach it takes for dead, and it may be wrong.
    const isr = newest.isr.filter((id) => this.#isNamed(newest, id) && !this.#chance(200));
    // Who has come last may lack most.
    const to = this.#chance(400) ? (candidates.at(-1) as number) : this.#pick(candidates);
    this.#proposals.push({ kind: 'elect', version: newest.version, to, isr });
  }

  /** A primary asks to go on with somebody, or, so often of 1000, without. */
  #propose(shrinks: number): void {
    for (const member of this.members) {
      const { reign, id, book, met } = member;
      if (reign === null || book === null) continue;
      const { version } = book;
      const { proposal } = member;
      if (proposal !== null && proposal.version === version) {
        // Nothing was heard of it: it may be lost, and comes again as it was measured then.
        if (!this.#proposals.includes(proposal)) this.#proposals.push(proposal);
        continue;
      }
      const ready = reign.followers.find((follower) => member.hasCaughtUp(follower));
      const others = book.isr.filter((one) => one !== id);
      if (ready !== undefined) {
        ready.proposed = true;
        const incarnation = met[ready.member] as number;
        member.proposal = { kind: 'expand', version, by: id, member: ready.member, incarnation };
        this.#proposals.push(member.proposal);
      } else if (others.length > 0 && this.#chance(shrinks)) {
        member.proposal = { kind: 'shrink', version, by: id, member: this.#pick(others) };
        this.#proposals.push(member.proposal);
      }
    }
  }

  /** One of the proposals comes to the book, or is lost. */
  #decide(): void {
    if (this.#proposals.length === 0) return;
    const [change] = this.#proposals.splice(this.#random.below(this.#proposals.length), 1) as [Change];
    if (change.kind !== 'join' && this.#chance(100)) return;
    const before = this.book.newest;
    this.book.take(change.kind === 'join' ? this.#fencing(change) : change);
    // A change that leaves nobody who lives comes too late to be decided.
    if (this.#livingElectors(-1).length === 0) return void this.book.history.pop();
    const { newest } = this.book;
    if (newest.isr.length > before.isr.length) {
      this.counts.expansions += 1;
      if (this.#chance(this.#elections * 5)) this.#elect();
      if (this.#chance(500)) return this.#decide();
    }
    if (newest.isr.length < before.isr.length) this.counts.shrinks += 1;
    if (newest.isr.length < this.book.min) this.counts.frozen += 1;
  }

  #fencing(change: Change & { kind: 'join' }): Change {
    return { ...change, heir: this.#pick(this.#livingElectors(change.member)) };
  }

  /** A member applies the next versions; a new life begins with the one that names it. */
  #learnOne(member: Member): void {
    if (!member.alive) return;
    const { history } = this.book;
    do {
      const next =
        member.book === null
          ? history.find(({ incarnations }) => incarnations[member.id] === member.incarnation)
          : history[member.book.version + 1];
      if (next === undefined) return;
      this.#learn(member, next);
    } while (this.#chance(700));
  }

  #learn(member: Member, book: Configuration): void {
    const { reign } = member;
    member.learn(book);
    if (member.reign !== null && member.reign !== reign) this.counts.reigns += 1;
    // A reign may commit, and be over before the step is.
    member.violation ??= this.#violationOf(member);
    this.#announce(member);
  }

  // ---- links

  #announce(member: Member): void {
    const link = this.#links.find(({ from, to }) => from === member && to.id === member.book?.primary);
    if (link !== undefined && !member.heard) this.#send(link, member.announce());
  }

  #send(link: Link, packet: Packet | null): void {
    // What does not leave is lost, as when a link breaks while it is on its way.
    if (packet === null || !link.up) return;
    const isBulk = packet.kind === 'snapshot' || packet.kind === 'installed';
    (isBulk ? link.bulk : link.packets).push(packet);
    if (packet.kind === 'snapshot') this.counts.snapshots += 1;
  }

  #break(link: Link): void {
    for (const one of [link, this.#back(link)]) {
      one.up = false;
      one.packets.length = 0;
      one.bulk.length = 0;
    }
  }

  #back({ from, to }: Link): Link {
    return this.#links.find((one) => one.from === to && one.to === from) as Link;
  }

  #connect(link: Link): void {
    const { from, to } = link;
    if (!from.alive || !to.alive) return;
    link.up = true;
    this.#back(link).up = true;
    from.linked(to.id, to.incarnation);
    to.linked(from.id, from.incarnation);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.heard = one.heard && one.book?.primary !== other.id;
      if (one.book?.primary === other.id) this.#announce(one);
    }
  }

  #deliver(link: Link, queue: Packet[] = link.packets): void {
    const { from, to } = link;
    const packet = queue.shift();
    if (packet === undefined || !to.names(from.id, from.incarnation)) return;
    const { backup } = to;
    const { truncated } = backup;
    const answer = to.take(from.id, packet);
    this.counts.truncations += backup.truncated - truncated;
    this.#send(this.#back(link), answer);
  }

  /** Everybody comes back, all links are renewed, everything arrives. False: it does not come to rest. */
  settle(): boolean {
    this.#steps = false;
    for (const member of this.members) if (!member.alive) this.#return(member);
    while (this.#proposals.length > 0) this.#decide();
    for (const link of this.#links) this.#break(link);
    for (const link of this.#links) if (!link.up) this.#connect(link);
    for (let round = 0; round < QUIET_ROUNDS_MAX; round += 1) {
      for (const member of this.members) while (member.book !== this.book.newest) this.#learnOne(member);
      for (const link of this.#links) this.#send(link, link.from.nextFor(link.to.id, Number.POSITIVE_INFINITY));
      this.#deliverAll();
      for (const link of this.#links) this.#send(link, link.from.commitFor(link.to.id));
      for (const member of this.members) this.#announce(member);
      if (this.isWhole) return true;
      this.#propose(0);
      while (this.#proposals.length > 0) this.#decide();
      this.#openIfExhausted();
    }
    return false;
  }

  #deliverAll(): void {
    while (this.#links.some(({ packets, bulk }) => packets.length + bulk.length > 0)) {
      for (const link of this.#links) {
        this.#deliver(link);
        this.#deliver(link, link.bulk);
      }
    }
  }

  #openIfExhausted(): void {
    const { primary, version, isr } = this.book.newest;
    if (this.member(primary).reign?.exhausted) this.book.take({ kind: 'elect', version, to: primary, isr });
  }

  /** Everybody is in sync and holds the same, all of it committed. */
  get isWhole(): boolean {
    const { isr, primary } = this.book.newest;
    const { log } = this.member(primary).replica;
    const holdsAll = ({ replica }: Member): boolean => replica.log.next === log.next && replica.commit === log.next;
    return isr.length === this.members.length && this.members.every(holdsAll);
  }

  // ---- what must hold

  violation(): string | null {
    for (const member of this.members) {
      const broken = this.#violationOf(member) ?? member.violation;
      if (broken !== null) return `member ${member.id}: ${broken}`;
    }
    return this.#violationOfReign();
  }

  #violationOf(member: Member): string | null {
    const { id, replica, held, incarnation } = member;
    if (this.#incarnationSeen[id] !== incarnation) this.#commitSeen[id] = 0;
    this.#incarnationSeen[id] = incarnation;
    if (replica.commit < (this.#commitSeen[id] as number)) return 'the commit point went back';
    const from = this.#commitSeen[id] as number;
    this.#commitSeen[id] = replica.commit;
    for (let position = from; position < replica.commit; position += 1) {
      const entry = held[position] as string;
      const known = this.committed[position];
      if (known === undefined && member.reign === null && this.#steps)
        return 'R5: it counts as committed what no primary has';
      if (known === undefined) this.committed.push(entry);
      else if (known !== entry) return `R5: ${entry} is committed at ${position}, where ${known} was`;
    }
    return null;
  }

  /** R14, R15: whoever reigns last holds everything that ever was committed, in the same order. */
  #violationOfReign(): string | null {
    const reigning = this.members.filter(({ reign }) => reign !== null);
    const [last] = reigning.sort((one, other) => (other.reign?.epoch ?? 0) - (one.reign?.epoch ?? 0));
    if (last === undefined || last.reign?.epoch !== this.book.newest.epoch) return null;
    const lost = this.committed.findIndex((entry, position) => last.held[position] !== entry);
    return lost < 0 ? null : `R14: the primary ${last.id} lacks ${this.committed[lost]}, which is committed`;
  }
}

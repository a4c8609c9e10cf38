import type { PublishPacket } from "../../codec/mod.ts";
import { slowlyMatches } from "../../router/testdata/random_topics.ts";
import type { Random } from "../harness/random.ts";
import { connectionKey, type Given, type GroupBook, isRefused } from "./group_book.ts";
import type { MemberPlan } from "./group_plan.ts";
import type { Answer } from "./readings.ts";
import { StreamClient, type Visit } from "./stream_client.ts";
import type { World } from "./world.ts";

const SUBSCRIBE_ID = 1;
const UNSUBSCRIBE_ID = 2;
/** The reason code Unspecified error, with which it refuses. */
const REFUSED = 0x80;
/** How often it goes, of the times that it does anything. */
const LEAVE_CHANCE = 0.1;

/** A member of a group: it acknowledges, refuses, or goes with what it has, and writes it down. */
export class StreamMember extends StreamClient {
  override readonly plan: MemberPlan;
  readonly #book: GroupBook;
  readonly #stream: string;
  /** Whether it is a member, as far as it was told; `null` if it has asked for a change. */
  #isMember: boolean | null = false;
  #visits = 0;

  constructor(world: World, stream: string, book: GroupBook, plan: MemberPlan, random: Random) {
    super(world, plan, random);
    this.plan = plan;
    this.#stream = stream;
    this.#book = book;
  }

  /** In the end every one of them is a member. */
  override retire(): void {
    super.retire();
    if (this.visit !== null && this.#isMember === false) this.#subscribe(this.visit);
  }

  protected override connected(visit: Visit, isPresent: boolean): void {
    this.#visits = 0;
    if (!isPresent) this.#isMember = false;
    if (this.#isMember !== true || this.random.chance(0.2)) this.#subscribe(visit);
  }

  protected override act(visit: Visit): void {
    this.#noteAlive(visit);
    if (this.random.chance(LEAVE_CHANCE)) return this.leave();
    if (this.#isMember === null) return;
    const lot = this.random.next();
    if (lot < (this.#isMember ? 0.05 : 0.5)) this.#subscribe(visit);
    else if (this.#isMember && lot > 0.95) this.#unsubscribe(visit);
  }

  protected override answered(packet: Answer): void {
    const [code] = packet.reasonCodes;
    const isUnsuback = packet.type === "unsuback";
    const isGranted = isUnsuback ? code === 0 || code === undefined : code === this.plan.qos;
    if (!isGranted) this.fault(`got ${packet.type} with code ${code}`);
    this.#isMember = !isUnsuback;
    if (!isUnsuback) this.#book.after ??= this.world.ends;
    else if (!this.isActive && this.visit !== null) this.#subscribe(this.visit);
  }

  protected override detached(): void {
    // What was asked for may have been done.
    if (!this.plan.isDurable) this.#isMember = false;
  }

  protected override received(visit: Visit, packet: PublishPacket): void {
    const { topic, qos, dup, retain, packetId } = packet;
    const marks = new Map(packet.properties.userProperties);
    this.#noteAlive(visit);
    this.note(() =>
      `< publish ${packetId}${dup ? " dup" : ""} #${
        parseInt(new TextDecoder().decode(packet.payload))
      } ${topic} q${qos} ${JSON.stringify([...marks])}`
    );
    if (retain) this.fault(`got ${topic} with RETAIN`);
    if (qos !== this.plan.qos) this.fault(`got ${topic} with QoS ${qos}`);
    const given = this.#given(visit, packet, marks);
    if (qos > 0) this.holds(visit, packetId);
    if (given === null || qos === 0) return;
    const answer = this.plan.version === 5 && isRefused(this.#book.plan, given.publication)
      ? REFUSED
      : 0;
    this.acknowledge(visit, packetId, answer, given, () => given.answer = answer);
  }

  #given(visit: Visit, packet: PublishPacket, marks: ReadonlyMap<string, string>): Given | null {
    const { ledger, clock } = this.world;
    const book = this.world.book!;
    const { filter } = this.#book.plan;
    const publication = ledger.publicationOf(packet.payload);
    if (publication === undefined || packet.topic !== this.#prefix + publication.topic) {
      this.fault(`got bytes to ${packet.topic} that nobody has published there`);
      return null;
    }
    if (!slowlyMatches(filter, publication.topic)) {
      this.fault(`got ${publication.topic}, which ${filter} does not match`);
    }
    book.begins(this.world.ends.first);
    const seq = Number(marks.get("stream-seq") ?? 0);
    if (this.plan.version === 5 ? seq === 0 : marks.size > 0) {
      this.fault(`got ${packet.topic} with the marks ${JSON.stringify([...marks])}`);
    }
    const timeMs = Date.parse(marks.get("stream-time") ?? "");
    if (seq > 0) book.observe(this.plan.clientId, seq, publication, timeMs);
    const given: Given = {
      ...{ member: this.plan.clientId, publication, seq, qos: packet.qos },
      ...{ connection: visit.number, openedMs: visit.openedMs, atMs: clock.now() },
      ...{ crashes: ledger.crashes, answer: null, confirmedMs: Infinity },
    };
    this.#book.given.push(given);
    return given;
  }

  get #prefix(): string {
    return this.plan.isByProperty ? "" : `$replay/${this.#stream}/${this.#book.plan.position}/`;
  }

  get #key(): string {
    const { name, filter } = this.#book.plan;
    return `$share/${name}/${this.#prefix}${filter}`;
  }

  #subscribe(visit: Visit): void {
    const { qos, isByProperty } = this.plan;
    const { position, isExclusive } = this.#book.plan;
    this.#book.before ??= this.world.ends;
    this.#changes(visit);
    const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
    const asks: [string, string][] = isByProperty ? [["stream-offset", position]] : [];
    if (this.plan.version === 5 && isExclusive) asks.push(["group-exclusive", "true"]);
    visit.wire.send({
      type: "subscribe",
      packetId: SUBSCRIBE_ID,
      properties: asks.length > 0 ? { userProperties: asks } : {},
      subscriptions: [{ filter: this.#key, ...options }],
    });
    this.note(() => `> subscribe ${this.#key}`);
  }

  #unsubscribe(visit: Visit): void {
    this.#changes(visit);
    const filters = [this.#key];
    visit.wire.send({ type: "unsubscribe", packetId: UNSUBSCRIBE_ID, filters, properties: {} });
    this.note(() => `> unsubscribe ${this.#key}`);
  }

  #changes({ number: connection }: Visit): void {
    this.#isMember = null;
    const key = connectionKey({ member: this.plan.clientId, connection });
    if (this.#visits++ > 0) this.#book.unordered.add(key);
  }

  #noteAlive({ number: connection, aliveMs }: Visit): void {
    this.#book.aliveMs.set(connectionKey({ member: this.plan.clientId, connection }), aliveMs);
  }
}

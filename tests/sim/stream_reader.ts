import type { Packet, PublishPacket } from "../../codec/mod.ts";
import { slowlyMatches } from "../../router/testdata/random_topics.ts";
import type { Random } from "../harness/random.ts";
import type { Reading, ReadMessage } from "./reading.ts";
import { gapOf, Readings } from "./readings.ts";
import type { ReaderPlan, StreamPlan } from "./stream_plan.ts";
import { Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** Longer than a simulation lasts, but for its end. */
const EXPIRY_SECONDS = 3600;
const STALL_MS_MAX = 400;

/** A connection of a reader. */
interface Visit {
  readonly number: number;
  readonly wire: Wire;
  isIn: boolean;
  isStalled: boolean;
  /** What was acknowledged, and is not known to have arrived. */
  readonly acknowledged: ReadMessage[];
  /** Of these, what the broker has if it answers the ping. */
  pinged: ReadMessage[] | null;
  readonly unacknowledged: Set<number>;
}

/**
 * A client that reads the stream: it comes and goes, subscribes at any position in any way, and
 * writes down what it gets, which is looked at in the end.
 */
export class StreamReader {
  readonly plan: ReaderPlan;
  readonly readings: Readings;
  readonly #world: World;
  readonly #random: Random;
  #visit: Visit | null = null;
  #visits = 0;
  /** Whether the broker has its session: `null` if that is not known. */
  #isKept: boolean | null = false;
  #isActive = true;
  #lastAckMs = 0;

  constructor(world: World, stream: StreamPlan, plan: ReaderPlan, random: Random) {
    this.plan = plan;
    this.#world = world;
    this.#random = random;
    this.readings = new Readings(world, stream, plan, random.fork());
    this.#restThen(() => this.#step());
  }

  /** Whether it was let in, and the connection is not known to be gone. */
  get isConnected(): boolean {
    return this.#visit !== null && this.#visit.isIn && this.#visit.wire.isOpen;
  }

  /** Whether it neither has a connection nor tries to get one. */
  get isOffline(): boolean {
    return this.#visit === null;
  }

  /** Whether it has acknowledged everything. */
  get isIdle(): boolean {
    return this.#visit === null || this.#visit.unacknowledged.size === 0;
  }

  /** The number of its connection. */
  get connection(): number {
    return this.#visits;
  }

  /** Does nothing more by itself. */
  retire(): void {
    this.#isActive = false;
  }

  /** Connects. */
  connect(): void {
    const { clientId, version, isDurable, receiveMaximum } = this.plan;
    const wire: Wire = new Wire(this.#world.network.connect(), version, {
      packet: (packet) => this.#packet(visit, packet),
      faulty: (error) => this.#fault(`cannot read: ${error}`),
      ended: () => this.#ended(visit),
    });
    const visit: Visit = {
      ...{ number: ++this.#visits, wire, isIn: false, isStalled: false },
      ...{ acknowledged: [], pinged: null, unacknowledged: new Set<number>() },
    };
    this.#visit = visit;
    const sessionExpiryInterval = isDurable ? EXPIRY_SECONDS : 0;
    if (isDurable && this.#isKept === false) this.#isKept = null;
    wire.send({
      type: "connect",
      protocolVersion: version,
      cleanStart: !isDurable,
      keepAlive: 0,
      clientId,
      properties: version === 5 ? { receiveMaximum, sessionExpiryInterval } : {},
      will: null,
      username: null,
      password: null,
    });
  }

  /** Leaves, with a word or without. */
  leave(): void {
    const wire = this.#visit?.wire;
    this.#note(() => "leaves");
    if (this.#random.chance(0.5)) return wire?.close();
    wire?.send({ type: "disconnect", reasonCode: 0, properties: {} });
    wire?.finish();
  }

  #restThen(action: () => void): void {
    const { clock, scenario } = this.#world;
    const atMs = clock.now() + this.#random.integer(1, scenario.restMsMax);
    clock.schedule(atMs, () => this.#isActive && action());
  }

  #step(): void {
    if (this.isConnected) this.#act();
    else if (this.isOffline) this.connect();
    this.#restThen(() => this.#step());
  }

  #act(): void {
    const random = this.#random;
    const visit = this.#visit!;
    const { disorder } = this.#world.scenario;
    if (random.chance(0.4)) this.#ask(visit);
    if (random.chance(0.3) && visit.pinged === null) {
      visit.pinged = visit.acknowledged.splice(0);
      visit.wire.send({ type: "pingreq" });
    }
    if (random.chance(disorder.stall)) {
      visit.isStalled = true;
      visit.wire.stall(this.#world.delay(random.integer(1, STALL_MS_MAX)));
    }
    if (random.chance(disorder.disconnect + disorder.crash)) this.leave();
  }

  #ask({ wire }: Visit): void {
    const packet = this.readings.ask();
    if (packet === null) return;
    wire.send(packet);
    this.#note(() => `> ${JSON.stringify(packet)}`);
  }

  #packet(visit: Visit, packet: Packet): void {
    this.#world.ledger.activity += packet.type === "pingresp" ? 0 : 1;
    switch (packet.type) {
      case "connack":
        this.#note(() => `< connack, session present ${packet.sessionPresent}`);
        if (packet.reasonCode !== 0) this.#fault(`was refused with code ${packet.reasonCode}`);
        if (packet.sessionPresent === !this.#isKept && this.#isKept !== null) {
          this.#fault(`was told session present ${packet.sessionPresent}`);
        }
        this.#isKept = this.plan.isDurable;
        visit.isIn = true;
        return;
      case "suback":
      case "unsuback":
        this.#note(() => `< ${JSON.stringify(packet)}`);
        return this.readings.answered(packet);
      case "pingresp":
        for (const message of visit.pinged ?? []) message.confirmedMs = this.#world.clock.now();
        visit.pinged = null;
        return;
      case "publish":
        return this.#publish(visit, packet);
      case "disconnect":
        if (this.#world.isClosing || visit.isStalled) return;
        return this.#fault(`was disconnected with code ${packet.reasonCode}`);
      default:
        this.#fault(`got ${packet.type}`);
    }
  }

  #publish(visit: Visit, packet: PublishPacket): void {
    const reading = this.readings.of(packet);
    const { topic, qos, dup, retain, packetId } = packet;
    const marks = new Map(packet.properties.userProperties);
    this.#note(() =>
      `< publish ${packetId}${dup ? " dup" : ""} #${
        parseInt(new TextDecoder().decode(packet.payload))
      } ${topic} q${qos} ${JSON.stringify([...marks, packet.properties.subscriptionIdentifiers])}`
    );
    if (reading === undefined) return this.#fault(`got ${topic}, which no subscription is for`);
    const message = this.#readMessage(visit, packet, reading, marks);
    if (retain) this.#fault(`got ${topic} with RETAIN`);
    if (!reading.qos.has(qos) && !dup) this.#fault(`got ${topic} with QoS ${qos}`);
    if (qos === 0 || message === null) return;
    const { receiveMaximum, version } = this.plan;
    if (visit.unacknowledged.has(packetId)) this.#fault(`got ${packetId}, which is in flight`);
    if (version === 5 && visit.unacknowledged.size >= receiveMaximum) {
      this.#fault(`got more than ${receiveMaximum} messages unacknowledged`);
    }
    visit.unacknowledged.add(packetId);
    this.#acknowledge(visit, packetId, message);
  }

  #readMessage(
    visit: Visit,
    { topic, payload, qos, dup }: PublishPacket,
    reading: Reading,
    marks: ReadonlyMap<string, string>,
  ): ReadMessage | null {
    const { ledger } = this.#world;
    const book = this.#world.book!;
    const publication = ledger.publicationOf(payload);
    const isBelow = topic === reading.prefix + publication?.topic;
    if (publication === undefined || !isBelow) {
      this.#fault(`got bytes to ${topic} that nobody has published there`);
      return null;
    }
    if (!slowlyMatches(reading.filter, publication.topic)) {
      this.#fault(`got ${topic}, which ${reading.filter} does not match`);
    }
    book.begins(this.#world.ends.first);
    const seq = Number(marks.get("stream-seq") ?? 0);
    const timeMs = Date.parse(marks.get("stream-time") ?? "");
    if (reading.version === 4 ? marks.size > 0 : !(seq > 0 && timeMs > 0)) {
      this.#fault(`got ${topic} with the marks ${JSON.stringify([...marks])}`);
    }
    if (seq > 0) book.observe(this.plan.clientId, seq, publication, timeMs);
    const message: ReadMessage = {
      ...{ publication, seq, qos, dup, gap: gapOf(marks.get("stream-gap")) },
      ...{ connection: visit.number, crashes: ledger.crashes, firstMost: book.firstMost },
      confirmedMs: Infinity,
    };
    reading.messages.push(message);
    return message;
  }

  /** Acknowledges after a while, in order. */
  #acknowledge(visit: Visit, packetId: number, message: ReadMessage): void {
    const { clock } = this.#world;
    const dueMs = clock.now() + this.#random.integer(0, this.plan.ackDelayMsMax);
    this.#lastAckMs = Math.max(this.#lastAckMs, dueMs);
    clock.schedule(this.#lastAckMs, () => {
      if (visit !== this.#visit || !visit.wire.isOpen) return;
      this.#world.ledger.activity++;
      visit.unacknowledged.delete(packetId);
      visit.wire.send({ type: "puback", packetId, reasonCode: 0, properties: {} });
      this.#note(() => `> puback ${packetId}`);
      visit.acknowledged.push(message);
    });
  }

  #ended(visit: Visit): void {
    if (this.#visit !== visit) return;
    this.#note(() => "is disconnected");
    this.#visit = null;
    this.readings.detach();
  }

  #note(text: () => string): void {
    this.#world.ledger.note(() => `${this.plan.clientId} ${text()}`);
  }

  #fault(text: string): void {
    this.#world.ledger.fault(`${this.plan.clientId} ${text}`);
  }
}

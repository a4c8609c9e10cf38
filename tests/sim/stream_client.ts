import type { Packet, PublishPacket } from "../../codec/mod.ts";
import type { Random } from "../harness/random.ts";
import type { ReaderPlan } from "./stream_plan.ts";
import { Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** Longer than a simulation lasts, but for its end. */
const EXPIRY_SECONDS = 3600;
const STALL_MS_MAX = 400;

/** A message that was acknowledged. */
export interface Confirmable {
  /** Since when the broker is known to have the acknowledgement, by its clock; `Infinity` if not. */
  confirmedMs: number;
}

/** A connection of a client. */
export interface Visit {
  readonly number: number;
  readonly wire: Wire;
  /** When CONNACK came, in milliseconds; `Infinity` while it has not. */
  openedMs: number;
  /** Until when the broker certainly had the connection, in milliseconds. */
  aliveMs: number;
  isStalled: boolean;
  /** What was acknowledged, and is not known to have arrived. */
  readonly acknowledged: Confirmable[];
  /** Of these, what the broker has if it answers the ping; and when that was sent. */
  pinged: { readonly messages: readonly Confirmable[]; readonly atMs: number } | null;
  readonly unacknowledged: Set<number>;
}

/** A client of the stream, which comes and goes, and keeps to the protocol. */
export abstract class StreamClient {
  readonly plan: ReaderPlan;
  protected readonly world: World;
  protected readonly random: Random;
  #visit: Visit | null = null;
  #visits = 0;
  /** Whether the broker has its session: `null` if that is not known. */
  #isKept: boolean | null = false;
  #isActive = true;
  #lastAckMs = 0;
  /** The identifiers of QoS 2 messages that it has got, and that the broker has not released. */
  readonly #unreleased = new Set<number>();

  constructor(world: World, plan: ReaderPlan, random: Random) {
    this.plan = plan;
    this.world = world;
    this.random = random;
    this.#restThen(() => this.#step());
  }

  /** Whether it was let in, and the connection is not known to be gone. */
  get isConnected(): boolean {
    return this.visit !== null;
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
    const wire: Wire = new Wire(this.world.network.connect(), version, {
      packet: (packet) => this.#packet(visit, packet),
      faulty: (error) => this.fault(`cannot read: ${error}`),
      ended: () => this.#ended(visit),
    });
    const visit: Visit = {
      ...{ number: ++this.#visits, wire, openedMs: Infinity, aliveMs: -1, isStalled: false },
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
    this.note(() => "leaves");
    if (this.random.chance(0.5)) return wire?.close();
    wire?.send({ type: "disconnect", reasonCode: 0, properties: {} });
    wire?.finish();
  }

  /** The connection that it was let in on, and that is not known to be gone. */
  protected get visit(): Visit | null {
    const visit = this.#visit;
    return visit !== null && visit.openedMs < Infinity && visit.wire.isOpen ? visit : null;
  }

  /** Whether it does things by itself. */
  protected get isActive(): boolean {
    return this.#isActive;
  }

  /** The broker has let it in. */
  protected connected(_visit: Visit, _isPresent: boolean): void {}
  /** Does something, now and then. */
  protected abstract act(visit: Visit): void;
  /** SUBACK or UNSUBACK has come. */
  protected abstract answered(packet: Extract<Packet, { type: "suback" | "unsuback" }>): void;
  /** A message has come. */
  protected abstract received(visit: Visit, packet: PublishPacket): void;
  /** The connection is gone. */
  protected abstract detached(): void;

  /**
   * Takes the identifier of a QoS 2 message.
   *
   * @returns False if it has the message already.
   */
  protected takes(packetId: number): boolean {
    const isNew = !this.#unreleased.has(packetId);
    this.#unreleased.add(packetId);
    return isNew;
  }

  /** Takes a message with QoS 1 or 2: there may be no more of them than Receive Maximum. */
  protected holds({ unacknowledged }: Visit, packetId: number): void {
    const { receiveMaximum, version } = this.plan;
    if (unacknowledged.has(packetId)) this.fault(`got ${packetId}, which is in flight`);
    if (version === 5 && unacknowledged.size >= receiveMaximum) {
      this.fault(`got more than ${receiveMaximum} messages unacknowledged`);
    }
    unacknowledged.add(packetId);
  }

  /** Acknowledges after a while, in order; `sent` is called then. */
  protected acknowledge(
    visit: Visit,
    packetId: number,
    reasonCode: number,
    message: Confirmable,
    sent: () => void = () => {},
    type: "puback" | "pubrec" = "puback",
  ): void {
    const { clock } = this.world;
    const dueMs = clock.now() + this.random.integer(0, this.plan.ackDelayMsMax);
    this.#lastAckMs = Math.max(this.#lastAckMs, dueMs);
    clock.schedule(this.#lastAckMs, () => {
      if (visit !== this.#visit || !visit.wire.isOpen) return;
      this.world.ledger.activity++;
      if (type === "puback") visit.unacknowledged.delete(packetId);
      visit.wire.send({ type, packetId, reasonCode, properties: {} });
      this.note(() => `> ${type} ${packetId} with ${reasonCode}`);
      visit.acknowledged.push(message);
      sent();
    });
  }

  protected note(text: () => string): void {
    this.world.ledger.note(() => `${this.plan.clientId} ${text()}`);
  }

  protected fault(text: string): void {
    this.world.ledger.fault(`${this.plan.clientId} ${text}`);
  }

  #restThen(action: () => void): void {
    const { clock, scenario } = this.world;
    const atMs = clock.now() + this.random.integer(1, scenario.restMsMax);
    clock.schedule(atMs, () => this.#isActive && action());
  }

  #step(): void {
    if (this.visit !== null) this.#act(this.visit);
    else if (this.isOffline) this.connect();
    this.#restThen(() => this.#step());
  }

  #act(visit: Visit): void {
    const { random } = this;
    const { disorder } = this.world.scenario;
    this.act(visit);
    if (random.chance(0.3) && visit.pinged === null) {
      visit.pinged = { messages: visit.acknowledged.splice(0), atMs: this.world.clock.now() };
      visit.wire.send({ type: "pingreq" });
    }
    if (random.chance(disorder.stall)) {
      visit.isStalled = true;
      visit.wire.stall(this.world.delay(random.integer(1, STALL_MS_MAX)));
    }
    if (random.chance(disorder.disconnect + disorder.crash)) this.leave();
  }

  #packet(visit: Visit, packet: Packet): void {
    this.world.ledger.activity += packet.type === "pingresp" ? 0 : 1;
    switch (packet.type) {
      case "connack":
        this.note(() => `< connack, session present ${packet.sessionPresent}`);
        if (packet.reasonCode !== 0) this.fault(`was refused with code ${packet.reasonCode}`);
        if (packet.sessionPresent === !this.#isKept && this.#isKept !== null) {
          this.fault(`was told session present ${packet.sessionPresent}`);
        }
        this.#isKept = this.plan.isDurable;
        if (!packet.sessionPresent) this.#unreleased.clear();
        visit.openedMs = this.world.clock.now();
        return this.connected(visit, packet.sessionPresent);
      case "suback":
      case "unsuback":
        this.note(() => `< ${JSON.stringify(packet)}`);
        return this.answered(packet);
      case "pingresp":
        for (const message of visit.pinged?.messages ?? []) {
          message.confirmedMs = this.world.clock.now();
        }
        visit.aliveMs = visit.pinged?.atMs ?? visit.aliveMs;
        visit.pinged = null;
        return;
      case "publish":
        return this.received(visit, packet);
      case "pubrel":
        return this.#released(visit, packet.packetId);
      case "disconnect":
        if (this.world.isClosing || visit.isStalled) return;
        return this.fault(`was disconnected with code ${packet.reasonCode}`);
      default:
        this.fault(`got ${packet.type}`);
    }
  }

  #released(visit: Visit, packetId: number): void {
    this.note(() => `< pubrel ${packetId}`);
    this.#unreleased.delete(packetId);
    visit.unacknowledged.delete(packetId);
    visit.wire.send({ type: "pubcomp", packetId, reasonCode: 0, properties: {} });
  }

  #ended(visit: Visit): void {
    if (this.#visit !== visit) return;
    this.note(() => "is disconnected");
    this.#visit = null;
    this.detached();
  }
}

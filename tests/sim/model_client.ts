import type { ConnackPacket, Packet } from "../../codec/mod.ts";
import { ReasonCode } from "../../codec/mod.ts";
import type { Random } from "../harness/random.ts";
import { Inbound } from "./inbound.ts";
import { type ConnectionRecord, NEVER, type Publication, type SessionRecord } from "./ledger.ts";
import { Outbound } from "./outbound.ts";
import type { ClientPlan } from "./scenario.ts";
import { Subscriptions, type Wish } from "./subscriptions.ts";
import { Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** Longer than a simulation lasts, but for its end. */
const EXPIRY_SECONDS = 3600;
/** Messages that a 3.1.1 client has in flight, which the broker has no way to limit. */
const OLD_QUOTA = 20;

/** A connection while it is made. */
interface Attempt {
  readonly wire: Wire;
  readonly version: 4 | 5;
  readonly isClean: boolean;
  readonly isPersistent: boolean;
  /** Whether the broker has a session to go on with, as far as the client can know. */
  readonly isExpected: Known;
  readonly receiveMaximum: number;
  readonly topicAliasMaximum: number;
  /** Set once the client was let in. */
  record: ConnectionRecord | null;
  /** The reason code of the DISCONNECT that has come, or `null`. */
  farewell: number | null;
  /** Whether it was ever read so slowly that the broker may have lost its patience. */
  isStalled: boolean;
}

type Known = "yes" | "no" | "maybe";

/**
 * A client that keeps to the protocol, reports in the ledger what it does and gets, and calls
 * everything a fault that a broker must not send it.
 */
export class ModelClient {
  readonly plan: ClientPlan;
  readonly #world: World;
  readonly #random: Random;
  readonly #outbound: Outbound;
  readonly #inbound: Inbound;
  readonly #subscriptions: Subscriptions;
  #attempt: Attempt | null = null;
  #session: SessionRecord | null = null;
  /** Whether the broker keeps the session beyond the connection. */
  #isKept: Known = "no";
  /** It has asked for a new session and does not know yet whether it got one. */
  #mustBeClean = false;
  /** A connection of its own may take the session away from a later one. */
  #hasRival = false;

  constructor(world: World, plan: ClientPlan, random: Random) {
    this.plan = plan;
    this.#world = world;
    this.#random = random;
    const { ledger, clock } = world;
    const { clientId, ackDelayMsMax } = plan;
    this.#outbound = new Outbound(clientId, ledger);
    this.#inbound = new Inbound(clientId, ledger, clock, random.fork(), ackDelayMsMax);
    this.#subscriptions = new Subscriptions(clientId, ledger);
  }

  /** Whether it was let in and the connection is not known to be gone. */
  get isConnected(): boolean {
    return this.#attempt?.record?.endedAt === NEVER && this.#attempt.wire.isOpen;
  }

  /** Whether every handshake has ended, on both sides. */
  get isIdle(): boolean {
    return this.#outbound.isIdle && this.#inbound.isIdle;
  }

  /** Whether it neither has a connection nor tries to get one. */
  get isOffline(): boolean {
    return this.#attempt === null;
  }

  /**
   * Connects; a connection that is still there is left to the broker to end.
   *
   * @param isSettled Whether it goes on with its session whenever it can.
   */
  connect(isSettled = false): void {
    const { plan } = this;
    const random = this.#random;
    const isOther = plan.changesVersion && random.chance(0.3);
    const version = isOther ? random.pick([4, 5] as const) : plan.version;
    let isClean = this.#mustBeClean || (!isSettled && random.chance(plan.cleanChance));
    let isPersistent = isSettled || random.chance(plan.persistChance);
    // In 3.1.1 they are one and the same.
    if (version === 4) isPersistent = !(isClean ||= !isPersistent);
    this.#leave(this.#attempt);
    const pipe = this.#world.network.connect();
    const wire = new Wire(pipe, version, {
      packet: (packet) => this.#packet(attempt, packet),
      faulty: (error) => this.#fault(`cannot read: ${error}`),
      ended: (isOrderly) => this.#ended(attempt, isOrderly),
    });
    const attempt: Attempt = {
      ...{ wire, version, isClean, isPersistent, record: null, farewell: null, isStalled: false },
      isExpected: isClean ? "no" : this.#isKept,
      receiveMaximum: version === 5 ? random.pick([1, 2, 10, 65_535]) : 65_535,
      topicAliasMaximum: version === 5 ? random.pick([0, 1, 10]) : 0,
    };
    this.#attempt = attempt;
    this.#sendConnect(attempt);
  }

  /**
   * Has no patience and connects once more. Nobody knows which of the two the broker sees first,
   * and so this is only done where both are for the same session.
   */
  hurry(): void {
    if (this.#attempt === null || this.#attempt.isClean || !this.#attempt.isPersistent) return;
    this.#hasRival = true;
    this.connect(true);
  }

  /** Publishes. */
  publish(publication: Publication): void {
    this.#outbound.publish(publication);
  }

  /** Subscribes, while connected. */
  subscribe(wish: Wish): void {
    const { version, wire } = this.#attempt!;
    const id = this.#outbound.newId();
    const is5 = version === 5;
    const told: Wish = is5 ? wish : { ...wish, noLocal: false, retainHandling: 0 };
    const packet = this.#subscriptions.subscribe(this.#session!, told, id, is5 && id % 3 > 0);
    wire.send(packet);
    this.#note(() => `> ${JSON.stringify(packet)}`);
  }

  /** Ends a subscription, if there is any, while connected. */
  unsubscribe(): void {
    const open = this.#session!.subscriptions.filter(({ endedAt }) => endedAt === NEVER);
    if (open.length === 0) return;
    const id = this.#outbound.newId();
    const packet = this.#subscriptions.unsubscribe(this.#session!, this.#random.pick(open), id);
    this.#attempt!.wire.send(packet);
    this.#note(() => `> ${JSON.stringify(packet)}`);
  }

  /**
   * Says goodbye.
   *
   * @param endsSession Whether the session goes, too, where the version lets the client say so.
   */
  disconnect(endsSession = false): void {
    this.#note(() => "> disconnect");
    const properties = endsSession ? { sessionExpiryInterval: 0 } : {};
    this.#attempt?.wire.send({ type: "disconnect", reasonCode: 0, properties });
    this.#attempt?.wire.finish();
  }

  /** Closes without a word. */
  crash(): void {
    this.#note(() => "crashes");
    this.#attempt?.wire.close();
  }

  /** Reads nothing for a while. */
  stall(ms: number): void {
    this.#note(() => `stalls for ${ms} ms`);
    if (this.#attempt !== null) this.#stall(this.#attempt, ms);
  }

  /** Tells the broker that it is there. */
  ping(): void {
    if (this.isConnected) this.#attempt!.wire.send({ type: "pingreq" });
  }

  #sendConnect({ wire, version, isClean, isPersistent, ...attempt }: Attempt): void {
    const { clientId, keepAliveSeconds } = this.plan;
    const { receiveMaximum, topicAliasMaximum } = attempt;
    const sessionExpiryInterval = isPersistent ? EXPIRY_SECONDS : 0;
    const packet: Packet = {
      type: "connect",
      protocolVersion: version,
      cleanStart: isClean,
      keepAlive: keepAliveSeconds,
      clientId,
      properties: version === 5 ? { receiveMaximum, topicAliasMaximum, sessionExpiryInterval } : {},
      will: null,
      username: null,
      password: null,
    };
    if (isClean) {
      this.#mustBeClean = true;
      this.#endSession();
    } else if (isPersistent !== (this.#isKept === "yes")) this.#isKept = "maybe";
    wire.send(packet);
    this.#note(() => `> connect v${version} clean ${isClean} persistent ${isPersistent}`);
  }

  #packet(attempt: Attempt, packet: Packet): void {
    if (packet.type === "disconnect") attempt.farewell = packet.reasonCode;
    // Of what comes on a connection that was given up, only that counts.
    if (attempt !== this.#attempt) return;
    this.#world.ledger.activity += packet.type === "pingresp" ? 0 : 1;
    if (attempt.record === null) {
      if (packet.type === "connack") return this.#connack(attempt, packet);
      return this.#fault(`got ${packet.type} before CONNACK`);
    }
    this.#handle(packet);
  }

  #handle(packet: Packet): void {
    switch (packet.type) {
      case "publish":
        return this.#inbound.publish(packet);
      case "pubrel":
        return this.#inbound.release(packet);
      case "puback":
      case "pubrec":
      case "pubcomp":
        return this.#outbound.acknowledged(packet);
      case "suback":
      case "unsuback":
        return this.#subscriptions.answered(packet);
      case "pingresp":
        return;
      case "disconnect":
        if (this.#world.isClosing && packet.reasonCode === ReasonCode.ServerShuttingDown) return;
        if (this.#hasRival && packet.reasonCode === ReasonCode.SessionTakenOver) return;
        return this.#fault(`was disconnected with code ${packet.reasonCode}`);
      default:
        this.#fault(`got ${packet.type}`);
    }
  }

  #connack(attempt: Attempt, { reasonCode, sessionPresent, properties }: ConnackPacket): void {
    if (reasonCode !== 0) return this.#fault(`was refused with code ${reasonCode}`);
    this.#note(() => `< connack, session present ${sessionPresent}`);
    const { ledger } = this.#world;
    const { isPersistent, wire, version } = attempt;
    if (attempt.isExpected === (sessionPresent ? "no" : "yes")) {
      this.#fault(`was told session present ${sessionPresent}`);
    }
    const record: ConnectionRecord = { openedAt: ledger.tick(), endedAt: NEVER };
    attempt.record = record;
    if (!sessionPresent) this.#endSession();
    this.#session ??= ledger.session(this.plan.clientId);
    this.#mustBeClean = false;
    this.#isKept = isPersistent ? "yes" : "no";
    const session = this.#session;
    session.connections.push(record);
    const inflightMax = this.#world.scenario.limits.inflightMax ?? Infinity;
    const receiveMaximum = Math.min(attempt.receiveMaximum, inflightMax);
    const { topicAliasMaximum } = attempt;
    const isV5 = version === 5;
    const source = { wire, session, isV5, receiveMaximum, topicAliasMaximum };
    this.#inbound.attach({ ...source, isResumed: sessionPresent });
    const quota = properties.receiveMaximum ?? this.#oldQuota;
    this.#outbound.attach({ wire, record, version, quota });
  }

  /** The connection is gone. */
  #ended(attempt: Attempt, isOrderly: boolean): void {
    if (attempt !== this.#attempt) return this.#checkFarewell(attempt, isOrderly);
    this.#note(() => "is disconnected");
    this.#attempt = null;
    this.#forget(attempt);
  }

  /** One that was given up for another ended as soon as the broker knew, and it said why. */
  #checkFarewell({ version, record, farewell, isStalled }: Attempt, isOrderly: boolean): void {
    if (version < 5 || record === null || !isOrderly || isStalled) return;
    if (this.#world.isClosing) return;
    if (farewell !== ReasonCode.SessionTakenOver) this.#fault("was not told who took over");
  }

  /** Gives a connection up for another; the broker finds that out by itself. */
  #leave(attempt: Attempt | null): void {
    if (attempt === null) return;
    this.#forget(attempt);
    if (this.#random.chance(0.3)) this.#stall(attempt, 3000);
  }

  #stall(attempt: Attempt, ms: number): void {
    attempt.isStalled = true;
    attempt.wire.stall(this.#world.delay(ms));
  }

  #forget({ record, isPersistent }: Attempt): void {
    this.#outbound.detach();
    this.#subscriptions.detach();
    if (record === null) return;
    record.endedAt = this.#world.ledger.tick();
    if (!isPersistent) this.#endSession();
  }

  /** No more than it can send again, should it come back with version 5. */
  get #oldQuota(): number {
    const { receiveMaximum = OLD_QUOTA } = this.#world.scenario.limits;
    return this.plan.changesVersion ? receiveMaximum : OLD_QUOTA;
  }

  #endSession(): void {
    if (this.#session === null) return;
    this.#outbound.forget();
    this.#inbound.forget();
    this.#session.endedAt = this.#world.ledger.tick();
    this.#session = null;
  }

  #note(text: () => string): void {
    this.#world.ledger.note(() => `${this.plan.clientId} ${text()}`);
  }

  #fault(text: string): void {
    this.#world.ledger.fault(`${this.plan.clientId} ${text}`);
  }
}

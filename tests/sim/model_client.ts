import type { ConnackPacket, Packet } from "../../codec/mod.ts";
import { ReasonCode } from "../../codec/mod.ts";
import type { Random } from "../harness/random.ts";
import { Attempt, type Known, type Terms } from "./attempt.ts";
import { Inbound } from "./inbound.ts";
import { type ConnectionRecord, NEVER, type Publication, type SessionRecord } from "./ledger.ts";
import { Outbound } from "./outbound.ts";
import type { ClientPlan } from "./scenario.ts";
import { Subscriptions, type Wish } from "./subscriptions.ts";
import type { ClientWorld } from "./client_world.ts";

/** Messages that a 3.1.1 client has in flight, which the broker has no way to limit. */
const OLD_QUOTA = 20;
/** For how long a connection may stay unread that was given up, in milliseconds. */
const GIVEN_UP_MS = 3000;

/**
 * A client that keeps to the protocol, reports in the ledger what it does and gets, and calls
 * everything a fault that a broker must not send it.
 */
export class ModelClient {
  readonly plan: ClientPlan;
  readonly #world: ClientWorld;
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

  constructor(world: ClientWorld, plan: ClientPlan, random: Random) {
    this.plan = plan;
    this.#world = world;
    this.#random = random;
    const { ledger, clock } = world;
    const { clientId, ackDelayMsMax } = plan;
    this.#outbound = new Outbound(
      clientId,
      ledger,
      world.scenario.overflow === "refuse-publisher",
    );
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
  connect(isSettled = this.#hasRival): void {
    const { plan } = this;
    const { ledger } = this.#world;
    const random = this.#random;
    const isOther = plan.changesVersion && random.chance(0.3);
    const version = isOther ? random.pick([4, 5] as const) : plan.version;
    let isClean = this.#mustBeClean || (!isSettled && random.chance(plan.cleanChance));
    let isPersistent = isSettled || random.chance(plan.persistChance);
    // In 3.1.1 they are one and the same.
    if (version === 4) isPersistent = !(isClean ||= !isPersistent);
    const terms: Terms = {
      ...{ version, isClean, isPersistent },
      isExpected: isClean ? "no" : this.#isKept,
      receiveMaximum: version === 5 ? random.pick([1, 2, 10, 65_535]) : 65_535,
      topicAliasMaximum: version === 5 ? random.pick([0, 1, 10]) : 0,
      will: random.chance(0.3) ? ledger.will(plan.clientId, random.pick([1, 2])) : null,
    };
    this.#leave();
    this.#attempt = new Attempt(this.#world.network.connect(), terms, {
      packet: (attempt, packet) => this.#packet(attempt, packet),
      ended: (attempt) => this.#ended(attempt),
      fault: (text) => this.#fault(text),
    });
    this.#sendConnect(this.#attempt);
  }

  /**
   * Has no patience and connects once more. Nobody knows which of the two the broker sees first,
   * and so this is only done where both are for the same session, which is kept from then on.
   */
  hurry(): void {
    if (this.#attempt === null) return;
    const { isClean, isPersistent } = this.#attempt.terms;
    if (isClean || !isPersistent) return;
    this.#hasRival = true;
    this.connect(true);
  }

  /** Publishes. */
  publish(publication: Publication): void {
    this.#outbound.publish(publication);
  }

  /** Subscribes, while connected. */
  subscribe(wish: Wish): void {
    const { terms, wire } = this.#attempt!;
    const id = this.#outbound.newId();
    const is5 = terms.version === 5;
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
    if (this.#attempt?.terms.will) this.#attempt.terms.will.isForgone = true;
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
    this.#attempt?.stall(this.#world.delay(ms));
  }

  /** Tells the broker that it is there. */
  ping(): void {
    if (this.isConnected) this.#attempt!.wire.send({ type: "pingreq" });
  }

  #sendConnect(attempt: Attempt): void {
    const { version, isClean, isPersistent } = attempt.terms;
    if (isClean) {
      this.#mustBeClean = true;
      this.#endSession();
    } else if (isPersistent !== (this.#isKept === "yes")) this.#isKept = "maybe";
    attempt.wire.send(attempt.packet(this.plan));
    this.#note(() => `> connect v${version} clean ${isClean} persistent ${isPersistent}`);
  }

  #packet(attempt: Attempt, packet: Packet): void {
    if (attempt.isGivenUp) return;
    this.#world.ledger.activity += packet.type === "pingresp" ? 0 : 1;
    if (attempt.record !== null) this.#handle(packet);
    else if (packet.type === "connack") this.#connack(attempt, packet);
    else this.#fault(`got ${packet.type} before CONNACK`);
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
        if (this.#mayOverflow && packet.reasonCode === ReasonCode.QuotaExceeded) return;
        if (this.#hasRival && packet.reasonCode === ReasonCode.SessionTakenOver) return;
        return this.#fault(`was disconnected with code ${packet.reasonCode}`);
      default:
        this.#fault(`got ${packet.type}`);
    }
  }

  #connack(attempt: Attempt, { reasonCode, sessionPresent, properties }: ConnackPacket): void {
    if (reasonCode !== 0) return this.#fault(`was refused with code ${reasonCode}`);
    this.#note(() => `< connack, session present ${sessionPresent}`);
    const { isPersistent, isExpected } = attempt.terms;
    if (isExpected === (sessionPresent ? "no" : "yes")) {
      this.#fault(`was told session present ${sessionPresent}`);
    }
    const { ledger } = this.#world;
    const record: ConnectionRecord = { openedAt: ledger.tick(), endedAt: NEVER };
    attempt.record = record;
    if (attempt.terms.will !== null) attempt.terms.will.connection = record;
    if (!sessionPresent) this.#endSession();
    this.#session ??= ledger.session(this.plan.clientId);
    this.#session.connections.push(record);
    this.#mustBeClean = false;
    this.#isKept = isPersistent ? "yes" : "no";
    this.#attach(attempt, record, sessionPresent, properties.receiveMaximum ?? this.#oldQuota);
  }

  #attach(
    { wire, terms }: Attempt,
    record: ConnectionRecord,
    isResumed: boolean,
    quota: number,
  ): void {
    const session = this.#session!;
    const { version, topicAliasMaximum } = terms;
    const inflightMax = this.#world.scenario.limits.inflightMax ?? Infinity;
    const receiveMaximum = Math.min(terms.receiveMaximum, inflightMax);
    const isV5 = version === 5;
    this.#inbound.attach({ wire, session, isV5, receiveMaximum, topicAliasMaximum, isResumed });
    this.#outbound.attach({ wire, record, version, quota });
  }

  /** The connection is gone. */
  #ended(attempt: Attempt): void {
    if (attempt.isGivenUp) return;
    this.#note(() => "is disconnected");
    this.#attempt = null;
    this.#forget(attempt);
  }

  /** Gives the connection up for another; the broker finds that out by itself. */
  #leave(): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    attempt.isGivenUp = true;
    this.#forget(attempt);
    if (this.#random.chance(0.3)) attempt.stall(this.#world.delay(GIVEN_UP_MS));
  }

  #forget({ record, terms: { isPersistent } }: Attempt): void {
    this.#outbound.detach();
    this.#subscriptions.detach();
    if (record === null) return;
    record.endedAt = this.#world.ledger.tick();
    if (this.#mayOverflow) this.#isKept = "maybe";
    if (!isPersistent) this.#endSession();
  }

  /** No more than it can send again, should it come back with version 5. */
  get #oldQuota(): number {
    const { receiveMaximum = OLD_QUOTA } = this.#world.scenario.limits;
    return this.plan.changesVersion ? receiveMaximum : OLD_QUOTA;
  }

  /** Whether the broker may end the session because too much waits for it. */
  get #mayOverflow(): boolean {
    return this.#world.scenario.overflow === "end-session";
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

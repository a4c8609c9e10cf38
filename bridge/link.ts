/** One connection of a bridge: both legs, from the first packet until one of them is lost. */
import { KeepAlive } from "../client/keep_alive.ts";
import { IncomingAliases, OutgoingAliases } from "../client/topic_aliases.ts";
import type { PublishPacket } from "../codec/mod.ts";
import { Receipt } from "../log/receipt.ts";
import { isReservedTopic } from "../router/topic.ts";
import type { Transport } from "../transport/transport.ts";
import { AnswerTimeout } from "./answer_timeout.ts";
import type { AwayRetained } from "./away_retained.ts";
import type { BridgeCounters, BridgeDropReason } from "./counters.ts";
import type { FlowRules, Passage } from "./flow.ts";
import type { BridgeHost } from "./host.ts";
import { Leg } from "./leg.ts";
import type { LocalClient } from "./local_leg.ts";
import { HOPS_MAX, type LoopFault, LoopGuard } from "./loop_guard.ts";
import type { BridgeSettings } from "./options.ts";
import type { LostSessions } from "./packet_ids.ts";
import { RateLimit } from "./rate_limit.ts";
import { Relay } from "./relay.ts";
import {
  announce,
  remoteConnect,
  type RemoteLimits,
  remoteLimits,
  subscribeRemote,
  tellsRemote,
} from "./remote_leg.ts";
import type { Reservations } from "./reservations.ts";
import { renamed, type TopicMap, type TopicRule } from "./topic_map.ts";

/** How long the other broker may take to answer a ping, in milliseconds. */
const PING_TIMEOUT_MS = 30_000;

/** What one connection after the other of a bridge shares. */
export interface LinkContext {
  readonly host: BridgeHost;
  readonly settings: BridgeSettings;
  readonly map: TopicMap;
  readonly local: LocalClient;
  readonly counters: BridgeCounters;
  readonly away: AwayRetained;
  readonly lost: LostSessions;
  readonly reservations: Reservations;
  /** What was subscribed to at the other broker, by the filters, with the QoS. */
  readonly subscribed: Map<string, number>;
  /** Told what an operator should know, in a line; the same line once only. */
  warn(text: string): void;
}

/** One connection of a bridge. */
export class Link {
  /** Closes when both legs are gone. */
  readonly ended: Receipt = new Receipt();
  /** When a message passed last, of the clock. */
  lastTrafficMs: number;
  readonly #context: LinkContext;
  readonly #remote: Leg;
  readonly #local: Leg;
  readonly #limits: RemoteLimits;
  readonly #guard: LoopGuard | null;
  readonly #keepAlive: KeepAlive;
  readonly #answers: AnswerTimeout;
  readonly #rate: RateLimit;
  readonly #relay: Relay;
  /** Topics whose retained messages changed, while older messages to them may wait in the session. */
  #changed = new Set<string>();

  private constructor(context: LinkContext, remote: Leg, local: Leg, limits: RemoteLimits) {
    const { settings, host: { clock } } = context;
    this.#context = context;
    this.#remote = remote;
    this.#local = local;
    this.#limits = limits;
    this.#guard = settings.protocolVersion === 5 ? new LoopGuard(settings.remoteClientId) : null;
    const rate = this.#rate = new RateLimit(settings.messagesPerSecondMax, clock);
    this.lastTrafficMs = clock.now();
    this.#relay = new Relay({
      local,
      remote,
      out: this.#outRules(),
      in: this.#inRules(),
      rate,
      onTraffic: () => this.lastTrafficMs = clock.now(),
    });
    const { keepAliveSeconds } = limits;
    this.#keepAlive = new KeepAlive(remote.connection, clock, keepAliveSeconds, PING_TIMEOUT_MS);
    this.#answers = new AnswerTimeout(remote.connection, clock, settings.answerTimeoutMs);
    this.#endTogether();
  }

  /**
   * Connects both legs, and has messages pass.
   *
   * @param isFirst Whether it is the first connection of the bridge.
   * @throws If either broker refuses it, or is lost; then nothing stays open.
   */
  static async open(
    context: LinkContext,
    transport: Transport,
    isFirst: boolean,
    signal: AbortSignal,
  ): Promise<Link> {
    const { host, settings, local: client, reservations } = context;
    const { packetBytesMax } = host.limits;
    const connect = remoteConnect(settings, reservations, packetBytesMax);
    const options = { who: "The other broker", connect, packetBytesMax, clock: host.clock };
    const remote = await Leg.open(transport, options, signal);
    const limits = remoteLimits(remote, settings);
    const abort = () => remote.connection.fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    let link: Link | null = null;
    try {
      const local = await client.open(limits.receiveMaximum, signal);
      context.lost.attach(local, remote, client.takeLost());
      link = new Link(context, remote, local, limits);
      await link.#start(isFirst);
      return link;
    } catch (error) {
      remote.connection.fail(error as Error);
      await (link?.ended ?? remote.connection.gone);
      throw link?.error ?? error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Why it has ended, or `null`. */
  get error(): Error | null {
    const { error } = this.#remote.connection;
    return (error?.cause ?? error) as Error | null;
  }

  /** Disconnects: the other broker publishes no will, so it is told the state first. */
  async close(): Promise<void> {
    const { settings } = this.#context;
    const { connection } = this.#remote;
    if (tellsRemote(settings) && connection.error === null) {
      const retain = this.#limits.retainAvailable;
      const payload = new TextEncoder().encode("0");
      const topic = settings.notificationTopic;
      await this.#remote.publish({ topic, payload, qos: 0, retain, properties: {} });
    }
    await this.#remote.disconnect();
    await this.ended;
  }

  async #start(isFirst: boolean): Promise<void> {
    const { settings, local: client, map, subscribed, warn } = this.#context;
    const [remote, local] = [this.#remote, this.#local];
    const getsAll = await client.subscribe(local, isFirst);
    // From here on the other broker can publish; what this broker sends waits until it can follow.
    remote.valve.set("setup", false);
    if (tellsRemote(settings)) await announce(remote, settings, this.#limits);
    const refused = await subscribeRemote(remote, settings, map, subscribed);
    for (const filter of refused) warn(`the other broker has refused the subscription ${filter}`);
    this.#changed = new Set(this.#context.away.take());
    if (!getsAll) { for (const topic of this.#changed) this.#sendRetained(topic); }
    this.#relay.start();
    local.endSteps();
  }

  /** Sends the retained message that a topic has now, or its deletion. */
  #sendRetained(topic: string): void {
    const message = this.#context.host.inspection.retainedCopy(topic);
    this.#relay.sendOut({
      topic,
      payload: message?.payload ?? new Uint8Array(),
      properties: message?.properties ?? {},
    });
  }

  /** A retained message of the session that is older than the one that was sent for its topic undoes it. */
  #correct({ topic, payload, qos }: PublishPacket): void {
    // What the bridge sends itself has QoS 0.
    if (qos === 0 || !this.#changed.has(topic)) return;
    const now = this.#context.host.inspection.retainedCopy(topic)?.payload ?? new Uint8Array();
    if (hasSameBytes(now, payload)) this.#changed.delete(topic);
    else this.#sendRetained(topic);
  }

  #endTogether(): void {
    const [remote, local] = [this.#remote.connection, this.#local.connection];
    local.gone.then(() => remote.fail(local.error!));
    remote.gone.then(async () => {
      // What reaches the session from now on goes nowhere.
      this.#context.away.start();
      this.#keepAlive.stop();
      this.#answers.stop();
      this.#rate.stop();
      await this.#local.disconnect();
      this.ended.close();
    });
  }

  #outRules(): FlowRules {
    const { settings, map, counters, lost } = this.#context;
    const { maximumQoS, packetBytesMax, topicAliasMax, retainAvailable } = this.#limits;
    const keepsRetain = settings.outgoingRetain && retainAvailable;
    return {
      maximumQoS,
      packetBytesMax,
      aliases: topicAliasMax > 0 ? new OutgoingAliases(topicAliasMax) : null,
      staleIds: lost.out,
      admit: ({ topic, retain, properties }) => {
        const found = renamed(map.out, topic);
        if (found === null) return "unmatched";
        const passage = { topic: found.topic, retain: retain && keepsRetain };
        if (this.#guard === null) return { ...passage, properties: {} };
        const fault = this.#guard.faultOf(properties);
        if (fault !== null) return this.#loop(fault, topic, found.rule, map.in);
        return { ...passage, properties: this.#guard.mark(ofMessage(properties)) };
      },
      onPassed: (packet) => {
        counters.messagesOut++;
        counters.bytesOut += packet.payload.length;
        if (packet.retain && this.#changed.size > 0) this.#correct(packet);
      },
      onDropped: (reason) => counters.dropped[reason]++,
    };
  }

  #inRules(): FlowRules {
    const { settings, map, counters, lost, host } = this.#context;
    const aliases = new IncomingAliases(settings.topicAliasMax);
    return {
      maximumQoS: 2,
      // A prefix and the mark of the bridge may have made it larger than what was received.
      packetBytesMax: host.limits.packetBytesMax,
      aliases: null,
      staleIds: lost.in,
      admit: (packet): Passage | BridgeDropReason => {
        const topic = aliases.topicOf(packet);
        const found = renamed(map.in, topic);
        // Clients of this broker may not publish there either.
        if (found === null || isReservedTopic(found.topic)) return "unmatched";
        const properties = ofMessage(packet.properties);
        const passage = { topic: found.topic, retain: packet.retain };
        if (this.#guard === null) return { ...passage, properties };
        const fault = this.#guard.faultOf(properties);
        if (fault !== null) return this.#loop(fault, topic, found.rule, map.out);
        return { ...passage, properties: this.#guard.mark(properties) };
      },
      onPassed: ({ payload }) => {
        counters.messagesIn++;
        counters.bytesIn += payload.length;
      },
      onDropped: (reason) => counters.dropped[reason]++,
    };
  }

  /**
   * Warns of a message that goes round, with the line that it came by and the one that it went out
   * by, if that is one of this bridge.
   */
  #loop(fault: LoopFault, topic: string, rule: TopicRule, others: readonly TopicRule[]): "loop" {
    const why = fault === "own" ? "came back" : `has passed ${HOPS_MAX} bridges`;
    const other = others.find(({ place }) => place !== rule.place) ?? others[0];
    const lines = [rule, other].filter((line) => line !== undefined).map(({ place }) => place);
    const places = [...new Set(lines)].join(" and ");
    this.#context.warn(`${places}: a message to ${topic} ${why}: bridges form a loop`);
    return "loop";
  }
}

/** The properties of a message that belong to it, and not to the connection. */
function ofMessage(properties: PublishPacket["properties"]): PublishPacket["properties"] {
  const { topicAlias: _, subscriptionIdentifiers: __, ...own } = properties;
  return own;
}

function hasSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

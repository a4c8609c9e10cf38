/** The side of a bridge that is a client of its own broker, over a pipe in memory. */
import { allowAll } from "../auth/authenticator.ts";
import type { ListenerPolicy } from "../broker/base/listener_policy.ts";
import type { ConnectPacket, SubscriptionRequest } from "../codec/mod.ts";
import type { BridgeHost } from "./host.ts";
import { Leg } from "./leg.ts";
import { memoryPipe } from "./memory_pipe.ts";
import { type BridgeSettings, NEVER_EXPIRES } from "./options.ts";
import { SESSION_MARK } from "./removed_bridges.ts";
import type { TopicMap, TopicRule } from "./topic_map.ts";

/** Packet identifiers in use at the same time: the other broker sets the limit, not this one. */
const RECEIVE_MAXIMUM = 65_535;

/** The largest window of a session. */
const INFLIGHT_MAX = 32_767;

/** A subscription to it says that the session was sent the retained messages. Nothing is published there. */
const MARKER_PREFIX = "$SYS/broker/bridges/retained/";

/** The rules of a bridge at its own broker: like a bridge of mosquitto, it may do everything. */
export function localPolicy(host: BridgeHost, settings: BridgeSettings): ListenerPolicy {
  return host.listenerPolicy({
    name: `bridge ${settings.name}`,
    authenticator: allowAll,
    authorizer: null,
    allowAnonymous: true,
    clientIdPrefixes: null,
    receiveMaximum: RECEIVE_MAXIMUM,
    inflightMax: Math.min(INFLIGHT_MAX, settings.receiveMaximum),
    sessionExpirySecondsMax: NEVER_EXPIRES,
    keepAliveSecondsMax: 0,
    ...(settings.startType === "lazy" ? { queueQoS0: true } : {}),
  });
}

/** A bridge as a client of its own broker. */
export class LocalClient {
  readonly #host: BridgeHost;
  readonly #settings: BridgeSettings;
  readonly #rules: readonly TopicRule[];
  readonly #policy: ListenerPolicy;
  #isLost = false;

  constructor(host: BridgeHost, settings: BridgeSettings, map: TopicMap, policy: ListenerPolicy) {
    this.#host = host;
    this.#settings = settings;
    this.#rules = map.out;
    this.#policy = policy;
  }

  /** How many messages wait in the session, and their bytes, those in flight included. */
  get backlog(): { readonly messages: number; readonly bytes: number } {
    const session = this.#host.inspection.session(this.#settings.localClientId);
    if (session === null) return { messages: 0, bytes: 0 };
    const { messages, bytes } = session.waiting;
    return { messages: messages + session.inflight, bytes };
  }

  /** Connects. The session goes on, unless it is to be a new one each time. */
  async open(receiveMaximum: number, signal: AbortSignal): Promise<Leg> {
    const { localClientId, localUsername, localCleanSession, name } = this.#settings;
    const [near, far] = memoryPipe();
    this.#host.accept(far, { address: `bridge:${name}`, isAdmitted: true }, this.#policy);
    const connect: ConnectPacket = {
      type: "connect",
      protocolVersion: 5,
      cleanStart: localCleanSession,
      keepAlive: 0,
      clientId: localClientId,
      properties: {
        receiveMaximum,
        ...(localCleanSession ? {} : { sessionExpiryInterval: NEVER_EXPIRES }),
      },
      will: null,
      username: localUsername,
      password: null,
    };
    const { packetBytesMax } = this.#host.limits;
    const { clock } = this.#host;
    const leg = await Leg.open(
      near,
      { who: "This broker", connect, packetBytesMax, clock },
      signal,
    );
    if (!leg.connack.sessionPresent) this.#isLost = true;
    leg.beginSteps();
    return leg;
  }

  /** Whether there was no session at one of the connections since the last call. */
  takeLost(): boolean {
    const isLost = this.#isLost;
    this.#isLost = false;
    return isLost;
  }

  /**
   * Subscribes to what goes out, and unsubscribes from what does not any more. A session that was
   * not sent the retained messages gets them now; a later connection does not get them again.
   *
   * @param isFirst Whether a session that ends with the connection gets them, too.
   * @returns Whether it gets them.
   */
  async subscribe(leg: Leg, isFirst: boolean): Promise<boolean> {
    const { localCleanSession } = this.#settings;
    const had = this.#subscribed();
    const isSent = localCleanSession ? !isFirst : had.has(this.#marker);
    const retainHandling = isSent ? localCleanSession ? 2 : 1 : 0;
    await this.#unsubscribeOthers(leg, had);
    const requests = requestsOf(this.#rules, retainHandling);
    const isEmpty = requests.length === 0;
    if (!localCleanSession) requests.push(markRequest(SESSION_MARK));
    if (!localCleanSession && !isSent && !isEmpty) requests.push(markRequest(this.#marker));
    if (requests.length > 0) await leg.subscribe(requests);
    return isEmpty || !isSent;
  }

  /**
   * Makes the session while the other broker cannot be reached yet, so that messages wait in it from
   * now on.
   */
  async prepare(signal: AbortSignal): Promise<void> {
    if (this.#settings.localCleanSession || this.#rules.length === 0) return;
    const had = this.#subscribed();
    const requests = requestsOf(this.#rules, 2);
    const isReady = requests.every(({ filter, qos }) => had.get(filter) === qos) &&
      [...had.keys()].every((filter) => this.#isWanted(filter));
    if (isReady) return;
    const leg = await this.open(1, signal);
    // What arrives meanwhile is not acknowledged, and so it is sent again.
    leg.passTo({ onFlow: () => {}, onDrained: () => {} });
    try {
      await this.#unsubscribeOthers(leg, had);
      // The next connection sends the retained messages of the new filters, and so of all.
      if (had.has(this.#marker)) await leg.unsubscribe([this.#marker]);
      await leg.subscribe([...requests, markRequest(SESSION_MARK)]);
    } finally {
      await leg.disconnect();
    }
  }

  get #marker(): string {
    return MARKER_PREFIX + this.#settings.name;
  }

  #isWanted(filter: string): boolean {
    return filter === this.#marker || filter === SESSION_MARK ||
      this.#rules.some((rule) => rule.filter === filter);
  }

  #subscribed(): Map<string, number> {
    const session = this.#host.inspection.session(this.#settings.localClientId);
    if (session === null || this.#settings.localCleanSession) return new Map();
    return new Map([...session.subscriptions()].map(({ filter, qos }) => [filter, qos]));
  }

  async #unsubscribeOthers(leg: Leg, had: ReadonlyMap<string, number>): Promise<void> {
    const old = [...had.keys()].filter((filter) => !this.#isWanted(filter));
    if (old.length > 0) await leg.unsubscribe(old);
  }
}

/** A subscription that marks a session. */
function markRequest(filter: string): SubscriptionRequest {
  return { filter, qos: 0, noLocal: true, retainAsPublished: true, retainHandling: 2 };
}

/** One subscription for each filter, with the highest QoS of its rules. */
export function requestsOf(
  rules: readonly TopicRule[],
  retainHandling: 0 | 1 | 2,
): SubscriptionRequest[] {
  const requests = new Map<string, SubscriptionRequest>();
  for (const { filter, qos } of rules) {
    const known = requests.get(filter)?.qos ?? 0;
    requests.set(filter, {
      filter,
      qos: known > qos ? known : qos,
      noLocal: true,
      retainAsPublished: true,
      retainHandling,
    });
  }
  return [...requests.values()];
}

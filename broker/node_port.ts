/** What a broker offers to the links that make it a node of a cluster. */
import { allowAll } from "../auth/authenticator.ts";
import { type QoS, ReasonCode } from "../codec/mod.ts";
import type { Receiver } from "./delivery/subscriber.ts";
import { Subscription, subscriptionOptions } from "../router/subscription.ts";
import type { SubscriptionWatcher } from "../router/router.ts";
import type { Transport } from "../transport/transport.ts";
import type { Clock } from "./base/clock.ts";
import type { Commit } from "./base/commit.ts";
import { ListenerPolicy } from "./base/listener_policy.ts";
import {
  isNodeClientId,
  type LinkedNodes,
  nodeClientId,
  type NodePeer,
  nodePeer,
  pairOf,
} from "./base/node_peer.ts";
import { NodeShare } from "./base/node_share.ts";
import { Origin } from "./base/origin.ts";
import type { BrokerParts } from "./broker_parts.ts";
import { Connection } from "./connection/connection.ts";
import { ReaderPort } from "./reader_port.ts";
import { type RetainedHost, RetainedPort } from "./retained_port.ts";
import { NEVER_EXPIRES, type Session } from "./session/session.ts";
import { subscribeCharged } from "./session/match_share.ts";
import { endSubscription } from "./session/subscriptions.ts";

/** Unacknowledged QoS 1 and 2 messages from another node. */
const RECEIVE_MAXIMUM = 65_535;
/** The same to another node: the largest window of a session. */
const INFLIGHT_MAX = 32_767;

/** The largest packet of MQTT, in bytes: the first node has checked it. */
const PACKET_BYTES_MAX = 268_435_460;
/** Every link, for the question whether a subscriber is a node. */
const ANY_LINK = Origin.link("");

/** Is told of the subscriptions of all that is no node: clients, bridges, the program. */
export interface InterestWatcher {
  /** A subscription with this filter, maybe with `$share/…`, and this QoS has come. */
  onAdded(filter: string, qos: QoS): void;
  /** It has gone. */
  onRemoved(filter: string, qos: QoS): void;
}

/** The session that another node has here, while a link is open. */
export interface NodeSession {
  /** The filters that the other node has subscribed to; they may change during the walk. */
  filters(): Iterable<string>;
  /**
   * Subscribes the other node, or changes its subscription.
   *
   * @param identifier The Subscription Identifier; 0 for none.
   */
  subscribe(filter: string, qos: QoS, identifier: number): void;
  /** Ends a subscription of the other node. */
  unsubscribe(filter: string): void;
  /** Resolves when all changes until now are stored; `null` if they are, or need not be. */
  whenStored(): Promise<void> | null;
}

/** How much waits for another node. */
export interface NodeBacklog {
  /** Messages that were not sent. */
  readonly messages: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Messages that were sent and not acknowledged. */
  readonly inflight: number;
}

/** What the links between nodes need of a broker. */
export interface NodeHost {
  /** The clock of the broker. */
  readonly clock: Clock;
  /** Random numbers from 0 to below 1. */
  readonly random: () => number;
  /** Milliseconds since 1970, of the wall clock. */
  readonly wallClock: () => number;
  /** The other nodes as the broker asks them; `null` for none. */
  nodes: LinkedNodes | null;
  /** Its retained messages. */
  readonly retained: RetainedHost;
  /** Reports an internal error. */
  reportError(error: unknown): void;
  /**
   * Calls a function again and again, in as many turns as it takes, until it returns 0.
   *
   * @param step Does a part of the work; returns its cost in units of the turn budget.
   * @returns Resolves when all is done; `null` if it is already done.
   */
  inTurns(step: () => number): PromiseLike<void> | null;
  /** Tells a watcher of all subscriptions that there are, and of all that come and go. */
  watchInterest(watcher: InterestWatcher): () => void;
  /** How much waits for another node or is in flight to it, connected or not. */
  waitingFor(node: number): NodeBacklog;
  /** The pair of sessions with another node of which one is here; `null` for none. */
  pairWith(node: number): string | null;
  /**
   * Connects another node: the sessions with it that belong to other pairs end, and the broker
   * reads from the transport, which begins with a CONNECT of MQTT 5 and any client identifier.
   */
  accept(node: number, pair: string, transport: Transport): NodeSession;
}

/** The port of one broker. */
export class NodePort implements NodeHost {
  readonly retained: RetainedHost;
  /** Streams that clients of other nodes read here, and those that clients read at another one. */
  readonly readers: ReaderPort;
  readonly #parts: BrokerParts;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.retained = new RetainedPort(parts);
    this.readers = new ReaderPort(parts);
  }

  get clock(): Clock {
    return this.#parts.context.clock;
  }

  get random(): () => number {
    return this.#parts.context.settings.random;
  }

  get wallClock(): () => number {
    return this.#parts.context.settings.wallClock;
  }

  /** How many subscriptions other nodes have here, while a cluster watches them. */
  get subscriptions(): number {
    return this.#parts.nodeShare.subscriptions;
  }

  get nodes(): LinkedNodes | null {
    return this.#parts.nodes;
  }

  set nodes(nodes: LinkedNodes | null) {
    this.#parts.nodes = nodes;
  }

  reportError(error: unknown): void {
    this.#parts.context.reportError(error);
  }

  inTurns(step: () => number): PromiseLike<void> | null {
    return this.#parts.turns.inTurns(step);
  }

  watchInterest(watcher: InterestWatcher): () => void {
    const { router } = this.#parts;
    const share = this.#parts.nodeShare = new NodeShare();
    for (const one of router.allSubscriptions()) {
      if (isNode(one)) share.count(one.filter, 1);
      else watcher.onAdded(one.filter, one.options.qos);
    }
    const own: SubscriptionWatcher<Receiver> = {
      onSubscribed: (one, previous) => {
        if (isNode(one)) {
          if (previous === undefined) share.count(one.filter, 1);
          return;
        }
        watcher.onAdded(one.filter, one.options.qos);
        if (previous !== undefined) watcher.onRemoved(one.filter, previous.options.qos);
      },
      onUnsubscribed: (one) => {
        if (isNode(one)) share.count(one.filter, -1);
        else watcher.onRemoved(one.filter, one.options.qos);
      },
    };
    router.watcher = own;
    return () => {
      if (router.watcher === own) router.watcher = null;
    };
  }

  waitingFor(node: number): NodeBacklog {
    const session = this.#sessionOf(node);
    if (session === null) return { messages: 0, bytes: 0, inflight: 0 };
    const { messages, bytes } = session.waiting;
    return { messages, bytes, inflight: session.inflight };
  }

  pairWith(node: number): string | null {
    const session = this.#sessionOf(node);
    return session === null ? null : pairOf(node, session.clientId);
  }

  #sessionOf(node: number): Session | null {
    for (const session of this.#parts.sessions.values()) {
      const { clientId } = session;
      if (isNodeClientId(clientId) && pairOf(node, clientId) !== null) return session;
    }
    return null;
  }

  accept(node: number, pair: string, transport: Transport): NodeSession {
    const parts = this.#parts;
    const peer = nodePeer(node, pair);
    for (const session of parts.sessions.values()) {
      const { clientId } = session;
      const isOther = clientId !== peer.clientId && isNodeClientId(clientId) &&
        clientId.startsWith(nodeClientId(node, ""));
      if (!isOther) continue;
      const { link } = session;
      parts.sessions.end(session);
      link?.disconnect(ReasonCode.SessionTakenOver);
    }
    const address = `node:${node}`;
    new Connection(parts, transport, { address, isAdmitted: true }, policyOf(parts, peer)).run();
    return new OpenSession(parts, peer.clientId);
  }
}

class OpenSession implements NodeSession {
  readonly #parts: BrokerParts;
  readonly #clientId: string;

  constructor(parts: BrokerParts, clientId: string) {
    this.#parts = parts;
    this.#clientId = clientId;
  }

  get #session(): Session | undefined {
    return this.#parts.sessions.get(this.#clientId);
  }

  filters(): Iterable<string> {
    return this.#session?.subscriptions.filters() ?? [];
  }

  subscribe(filter: string, qos: QoS, identifier: number): void {
    const session = this.#session;
    if (session === undefined) return;
    const noLocal = identifier === 0;
    const options = {
      qos,
      noLocal,
      retainAsPublished: true,
      retainHandling: 2,
      identifier,
    } as const;
    const before = session.subscriptions.get(filter)?.options;
    if (before?.qos === qos && before.identifier === identifier) return;
    const subscription = new Subscription<Receiver>(session, filter, subscriptionOptions(options));
    subscribeCharged(this.#parts.router, session, subscription);
    session.queue.markSubscriptionChanged(filter);
  }

  unsubscribe(filter: string): void {
    const session = this.#session;
    if (session !== undefined) endSubscription(this.#parts, session, filter);
  }

  whenStored(): Promise<void> | null {
    return this.#session?.durableAfter() ? this.#stored() : null;
  }

  /** What a commit has not stored is part of the next one. */
  async #stored(): Promise<void> {
    let failed: Commit | null = null;
    for (;;) {
      const commit = this.#session?.durableAfter() ?? null;
      // The same one again is the last one: the broker has closed.
      if (commit === null || commit === failed) return;
      await commit.over;
      if (commit.error === null) return;
      failed = commit;
    }
  }
}

/** Whether the subscriber is another node: its subscriptions stand for those of others. */
function isNode({ subscriber }: Subscription<Receiver>): boolean {
  return subscriber.isOrigin(ANY_LINK);
}

/** The rules for another node: everything is allowed, and nothing is limited that is not elsewhere. */
function policyOf({ context: { settings, stats } }: BrokerParts, peer: NodePeer): ListenerPolicy {
  const rules = {
    name: "node",
    lenient: false,
    authenticator: allowAll,
    authorizer: null,
    control: null,
    usernameAsClientId: false,
    connectionsMax: Infinity,
    protocolVersions: [5],
    mountPoint: "",
    wildcardSubscriptionAvailable: true,
    sharedSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: true,
    packetBytesMax: PACKET_BYTES_MAX,
    payloadBytesMax: Infinity,
    queueQoS0: false,
    upgradeOutgoingQoS: false,
    refuseControlCharacters: false,
    receiveMaximum: RECEIVE_MAXIMUM,
    inflightMax: INFLIGHT_MAX,
    sessionExpirySecondsMax: NEVER_EXPIRES,
    keepAliveSecondsMax: 0,
    topicAliasMax: 0,
    maximumQoS: 2,
  } as const;
  return new ListenerPolicy(settings, stats, rules, peer);
}

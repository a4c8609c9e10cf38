import { ownerOf } from "../../cluster/client_owner.ts";
import type { QoS } from "../harness/packets.ts";

/** A message that somebody publishes; wills are among them. */
export interface Sent {
  /** Its number: its payload begins with it. */
  readonly key: number;
  readonly topic: string;
  readonly qos: QoS;
  readonly publisher: string;
  /** When it was sent for the first time. */
  readonly sentAt: number;
  /** When the broker had promised it; `Infinity` while it has not. */
  promisedAt: number;
}

/** A subscription of a durable session. */
export interface Subscribed {
  readonly filter: string;
  readonly qos: 1 | 2;
  /** When it was acknowledged; `Infinity` while it was not. */
  sinceAt: number;
  /** When its end was asked for; `Infinity` while it was not. */
  untilAt: number;
}

/** One that received, or several that share a subscription. */
export interface Received {
  readonly name: string;
  readonly subscription: Subscribed;
  /** How often each message came. */
  readonly counts: Map<number, number>;
  /** What came, in order, without what was repeated. */
  readonly order: number[];
  readonly isShared: boolean;
}

/** Who has promised what, in one order of time. */
export class Ledger {
  readonly sent: Sent[] = [];
  readonly received: Received[] = [];
  readonly #nodes: number;
  #now = 0;

  /** @param nodes On how many nodes the clients live. */
  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  /** The next moment. */
  tick(): number {
    return ++this.#now;
  }

  /** Takes note of a message before it leaves. */
  add(publisher: string, topic: string, qos: QoS): Sent {
    const message = {
      key: this.sent.length,
      topic,
      qos,
      publisher,
      sentAt: this.tick(),
      promisedAt: Infinity,
    };
    this.sent.push(message);
    return message;
  }

  /** Takes note of whoever will receive. */
  subscriber(name: string, filter: string, qos: 1 | 2, isShared = false): Received {
    const subscription = { filter, qos, sinceAt: Infinity, untilAt: Infinity };
    const received = { name, subscription, counts: new Map(), order: [], isShared };
    this.received.push(received);
    return received;
  }

  /**
   * What was promised to a subscriber and has not come. What one node has promised may still be on
   * its way when a subscription ends at another one.
   */
  missing({ name, subscription, counts }: Received): Sent[] {
    const { filter, sinceAt, untilAt } = subscription;
    const home = ownerOf(name, this.#nodes);
    const isHeld = ({ publisher, promisedAt }: Sent) =>
      promisedAt < untilAt &&
      (untilAt === Infinity || ownerOf(publisher, this.#nodes) === home);
    const isDue = (message: Sent) =>
      message.sentAt > sinceAt && isHeld(message) && matches(filter, message.topic) &&
      !counts.has(message.key);
    return this.sent.filter(isDue);
  }

  /** How often a QoS 2 message came once more. */
  duplicates({ subscription, counts }: Received): Sent[] {
    return this.sent.filter(({ key, qos }) =>
      Math.min(qos, subscription.qos) === 2 && (counts.get(key) ?? 0) > 1
    );
  }

  /**
   * Messages that came behind a later one of the same publisher, topic and QoS. With several nodes a
   * connection that its client has dropped before its CONNACK may be handled after the next one: then
   * its will comes late.
   */
  disordered({ order, subscription, isShared }: Received): Sent[] {
    if (isShared) return [];
    const last = new Map<string, number>();
    const found: Sent[] = [];
    for (const key of order) {
      const message = this.sent[key]!;
      const line = `${message.publisher} ${message.topic} ${
        Math.min(message.qos, subscription.qos)
      }`;
      const isLateWill = this.#nodes > 1 && isWill(message) && message.promisedAt === Infinity;
      if (isLateWill) continue;
      if (key < (last.get(line) ?? -1)) found.push(message);
      last.set(line, key);
    }
    return found;
  }
}

/** Whether a message is a will: all of them go to topics of their own. */
function isWill({ topic }: Sent): boolean {
  return topic.startsWith("w/");
}

/** Whether a filter matches a topic, by the words of the specification (§4.7). */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.replace(/^\$share\/[^/]+\//, "").split("/");
  const levels = topic.split("/");
  for (const [at, level] of wanted.entries()) {
    if (level === "#") return true;
    if (at >= levels.length || (level !== "+" && level !== levels[at])) return false;
  }
  return wanted.length === levels.length;
}

/** Delivers a publication to its subscribers, and returns the outcome. */
import type { QoS } from "../../codec/mod.ts";
import type { Audience } from "../../router/audience.ts";
import type { Member } from "../../router/member.ts";
import { sharedVariant } from "../../router/variant.ts";
import type { Router } from "../../router/router.ts";
import type { Route } from "../../router/route_cache.ts";
import type { SharedGroup } from "../../router/shared_group.ts";
import type { Subscription } from "../../router/subscription.ts";
import { parseSharedFilter } from "../../router/topic.ts";
import type { TurnBudget } from "../base/turn_budget.ts";
import type { Commit } from "../base/commit.ts";
import type { MessageLog } from "./backlog.ts";
import { FanOut, PREPARED_AT_ONCE, variantFor } from "./shared_fan_out.ts";
import type { OverflowPolicy } from "../base/limits.ts";
import type { Message } from "../base/message.ts";
import { Rank, type Receiver } from "./subscriber.ts";
import type { PublishBatch } from "./publish_batch.ts";

/** The member count from which an audience shares logs; copying is cheaper below (measured). */
const FAN_OUT_MEMBERS_MIN = 8;

/** The result of a publication. */
export const Outcome = {
  /** At least one subscriber receives it. */
  delivered: 0,
  /** There is no subscriber. */
  unmatched: 1,
  /** It was refused, because a backlog is full; no subscriber receives it. */
  refused: 2,
} as const;

/** The store, as delivery needs it; `null` without one. */
export interface DeliveryJournal {
  /** Whether the store accepts no more messages. */
  readonly isFull: boolean;
  /** The commit that will contain the current changes. */
  readonly gathering: Commit;
  /** Creates a log of messages for durable sessions to share. */
  newLog(): MessageLog;
  /**
   * A message moves from one session to another. Its removal must not be stored before its
   * addition.
   */
  onHandedOver(): void;
}

/** The broker, as delivery needs it. */
export interface DeliveryHost {
  readonly router: Router<Receiver>;
  readonly overflow: OverflowPolicy;
  readonly journal: DeliveryJournal | null;
  readonly turns: Pick<TurnBudget, "spend">;
}

/** Delivers publications to subscribers. */
export class Delivery {
  readonly #host: DeliveryHost;
  readonly #router: Router<Receiver>;
  readonly #refuses: boolean;
  /** Creates the shared logs of durable sessions. */
  readonly #newLog: () => MessageLog;

  constructor(host: DeliveryHost) {
    this.#host = host;
    this.#router = host.router;
    this.#refuses = host.overflow === "refuse-publisher";
    this.#newLog = () => host.journal!.newLog();
  }

  /**
   * Prepares the delivery to a wide audience as far as this turn allows: the first message to
   * thousands of new members would otherwise take one long turn.
   *
   * @returns Whether a message with this QoS may be delivered now. If not, call it again in a later
   * turn. A message that cannot wait may be delivered anyway.
   */
  prepare(route: Route<Receiver>, qos: QoS): boolean {
    const audience = this.#router.audience(route);
    if (audience.sole !== null || audience.size <= PREPARED_AT_ONCE) return true;
    const fanOut = this.#fanOutOf(audience)!;
    while (!fanOut.prepare(qos)) {
      if (this.#host.turns.spend(PREPARED_AT_ONCE)) return false;
    }
    return true;
  }

  /** Delivers a batch of QoS 0 frames. */
  run(run: PublishBatch): void {
    const audience = this.#router.audience(run.route);
    const { sole } = audience;
    if (sole !== null) return sole.subscriber.receiveRun(run, sole);
    this.#spend(audience);
    const fanOut = this.#fanOutOf(audience);
    if (fanOut !== null) fanOut.run(run);
    else {
      for (const member of audience.members) {
        const variant = variantFor(member, run.origin);
        if (variant !== null) member.subscriber.receiveRun(run, variant);
      }
    }
    if (audience.groups === null || run.origin.kind === "link") return;
    for (const group of audience.groups) {
      // One by one, so that a burst is distributed over the group.
      for (const message of run.messages()) deliverToOne(group, message);
    }
  }

  /** Whether {@linkcode Delivery.message} would refuse the message now. */
  refuses(route: Route<Receiver>, message: Message): boolean {
    if (!this.#mayRefuse(message)) return false;
    const audience = this.#router.audience(route);
    return isFull(audience, this.#fanOutOf(audience), message);
  }

  /** Delivers one message. Returns one of {@linkcode Outcome}. */
  message(route: Route<Receiver>, message: Message): number {
    const audience = this.#router.audience(route);
    this.#spend(audience);
    const fanOut = this.#fanOutOf(audience);
    if (this.#mayRefuse(message) && isFull(audience, fanOut, message)) return Outcome.refused;
    if (fanOut !== null) fanOut.message(route, message);
    else {
      for (const member of audience.members) {
        const variant = variantFor(member, message.origin);
        if (variant !== null) member.subscriber.receive(message, variant);
      }
    }
    // The node where a message was published has chosen the members of groups.
    if (audience.groups !== null && message.origin.kind !== "link") {
      for (const group of audience.groups) deliverToOne(group, message);
    }
    const matched = audience.size > 0 || audience.groups !== null;
    return matched ? Outcome.delivered : Outcome.unmatched;
  }

  /** Whether a message with QoS 1 or 2 must be stored for a subscriber. */
  isDurable(route: Route<Receiver>): boolean {
    const { members, groups } = this.#router.audience(route);
    if (members.some(({ qos, subscriber }) => qos > 0 && subscriber.isDurable)) return true;
    const isDurable = ({ options, subscriber }: Subscription<Receiver>) =>
      options.qos > 0 && subscriber.isDurable;
    return groups?.some((group) => group.some(isDurable)) ?? false;
  }

  /** Whether a message with QoS 1 or 2 must be kept in memory for a subscriber. */
  keeps(route: Route<Receiver>): boolean {
    const { members, groups } = this.#router.audience(route);
    if (members.some(({ qos, subscriber }) => qos > 0 && subscriber.keepsMessages)) return true;
    const keeps = ({ options, subscriber }: Subscription<Receiver>) =>
      options.qos > 0 && subscriber.keepsMessages;
    return groups?.some((group) => group.some(keeps)) ?? false;
  }

  /**
   * Delivers a message that a member of a shared group leaves to another member.
   *
   * @returns False if there is none.
   */
  handOver(message: Message, shared: string): boolean {
    this.#host.journal?.onHandedOver();
    return this.toGroup(message, shared);
  }

  /**
   * Delivers a message to a member of a shared group that another node has chosen.
   *
   * @param shared The filter of the group, with `$share/…`.
   * @returns False if there is none.
   */
  toGroup(message: Message, shared: string): boolean {
    const parsed = parseSharedFilter(shared);
    const group = parsed === null ? undefined : this.#router.group(parsed.filter, parsed.group);
    return group !== undefined && deliverToOne(group, message);
  }

  /**
   * Whether the policy can refuse the message. One that came by a link was promised to its publisher,
   * so only the session that has no room goes without it.
   */
  #mayRefuse({ qos, origin }: Message): boolean {
    return this.#refuses && qos > 0 && origin.kind !== "link";
  }

  /** Counts the cost of a wide audience. The publisher checks the budget afterwards. */
  #spend({ size }: Audience<Receiver>): void {
    if (size >= FAN_OUT_MEMBERS_MIN) this.#host.turns.spend(size);
  }

  #fanOutOf(audience: Audience<Receiver>): FanOut | null {
    if (audience.observer !== null) return audience.observer as FanOut;
    if (audience.size < FAN_OUT_MEMBERS_MIN) return null;
    const fanOut = new FanOut(audience, this.#newLog);
    audience.observe(fanOut);
    return fanOut;
  }
}

/** Whether a subscriber of the message has no room for it. */
function isFull(audience: Audience<Receiver>, fanOut: FanOut | null, message: Message): boolean {
  const bytes = message.weight;
  const isMemberFull = ({ qos, subscriber }: Member<Receiver>) =>
    qos > 0 && subscriber.isFull(bytes) && subscriber.mayReceive(message.name);
  if (fanOut !== null ? fanOut.isFull(message) : audience.members.some(isMemberFull)) return true;
  const hasRoom = ({ options, subscriber }: Subscription<Receiver>) =>
    subscriber.mayReceive(message.name) && (options.qos === 0 || !subscriber.isFull(bytes));
  // A group without an authorized member is no reason to refuse a message.
  const isAnyone = ({ subscriber }: Subscription<Receiver>) => subscriber.mayReceive(message.name);
  return audience.groups?.some((group) => !group.some(hasRoom) && group.some(isAnyone)) ?? false;
}

/** Each message is sent to one member: the best one, in turn. */
function deliverToOne(group: SharedGroup<Receiver>, message: Message): boolean {
  const { origin } = message;
  // What came by a link goes to the members here, and to another node only if there are none left.
  const isOnward = ({ subscriber }: Subscription<Receiver>) =>
    origin.kind === "link" && subscriber.isOrigin(origin);
  // Nodes whose members are all away would send it to each other for ever.
  const hasOwn = origin.kind === "link" && group.some((one) => !isOnward(one));
  const rank = (one: Subscription<Receiver>) => {
    const { subscriber, options } = one;
    if (!subscriber.mayReceive(message.name)) return Rank.none;
    const rank = subscriber.rank(Math.min(options.qos, message.qos) as QoS);
    return !isOnward(one) ? rank : hasOwn ? Rank.none : Math.min(rank, Rank.onward);
  };
  // If all backlogs are full, the overflow policy of one of them applies.
  const anyone = (one: Subscription<Receiver>) =>
    one.subscriber.mayReceive(message.name) && !isOnward(one) ? one.options.qos : 0;
  const chosen = group.select(rank, Rank.ready) ??
    (message.qos > 0 ? group.select(anyone, 1) : null);
  if (chosen === null) return false;
  chosen.subscriber.receive(message, sharedVariant(chosen));
  return true;
}

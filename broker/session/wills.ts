/** The wills of all clients: publishes them when they are due, with permission, or deletes them. */
import type { Will } from "../../codec/mod.ts";
import type { Router } from "../../router/router.ts";
import type { Route } from "../../router/route_cache.ts";
import type { BrokerContext } from "../base/context.ts";
import type { BrokerLimits } from "../base/limits.ts";
import { targetOf } from "../base/delayed_topic.ts";
import { Message } from "../base/message.ts";
import { Origin } from "../base/origin.ts";
import { Deadline } from "../base/scheduler.ts";
import { Outcome } from "../delivery/delivery.ts";
import type { Publisher } from "../delivery/publisher.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import { PendingWill, willBytes, type WillClient, type WillOwner } from "./pending_will.ts";
import type { SessionJournal } from "./session_host.ts";

/** How long a will waits before it is tried again, if the store cannot take it, in milliseconds. */
const RETRY_MS = 1000;

/** What wills need of the broker. */
export interface WillHost {
  readonly context: Pick<BrokerContext, "scheduler" | "clock" | "reportError" | "reportDrop"> & {
    readonly limits: Pick<BrokerLimits, "willsAskedMax" | "delaySecondsMax">;
    readonly settings: { readonly delayed: boolean };
  };
  readonly router: Pick<Router<Receiver>, "routeOf">;
  readonly publisher: Pick<Publisher, "publish" | "cannotStore">;
  /** What stores wills; `null` for a broker that keeps all in memory. */
  readonly journal: SessionJournal | null;
}

/**
 * Publishes wills or deletes them. A will is in one of three places:
 *
 * - with its session, from CONNECT until it is due. Until then it can be deleted;
 * - waiting for the authorizer, which is asked again when the will is due, because permissions may
 *   have changed since CONNECT. At most `willsAskedMax` wait; the others are refused;
 * - waiting for room in the store. At most `willsAskedMax` wait; the others are refused.
 *
 * A row in the store keeps it in all three. The row is removed in the commit that holds what the
 * will publishes.
 */
export class Wills {
  readonly #host: WillHost;
  #bytes = 0;
  /** How many wait for an authorizer. */
  #asked = 0;
  /** How many wait for room in the store. */
  #postponed = 0;

  constructor(host: WillHost) {
    this.#host = host;
  }

  /** The memory of all wills, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Replaces the will of a session; `null` deletes it. */
  set(owner: WillOwner, will: Will | null): void {
    if (owner.will !== null) this.#forget(owner.will);
    if (will === null) return;
    const pending = this.#add(will, owner, owner);
    this.#host.journal?.onWillChanged(pending);
  }

  /**
   * Adds a will from the store.
   *
   * @param storedId The number of its row.
   * @param owner The session that holds it; `null` for none.
   */
  restore(will: Will, storedId: number, client: WillClient, owner: WillOwner | null): PendingWill {
    const pending = this.#add(will, client, owner);
    pending.storedId = storedId;
    return pending;
  }

  /** Publishes a will when it is due, unless its session deletes it before. */
  publishAt(pending: PendingWill, dueMs: number): void {
    const { scheduler, clock } = this.#host.context;
    if (dueMs <= clock.now()) return this.publish(pending);
    pending.deadline ??= new Deadline(() => this.publish(pending));
    scheduler.set(pending.deadline, dueMs);
    this.#host.journal?.onWillChanged(pending);
  }

  /** Publishes a will now, or as soon as the store and the authorizer allow it. */
  publish(pending: PendingWill): void {
    const { context, router, publisher } = this.#host;
    if (pending.deadline !== null) context.scheduler.clear(pending.deadline);
    const route = router.routeOf(pending.will.topic);
    if (route === null) return this.#forget(pending);
    const message = messageOf(pending, route, context.clock.now());
    if (publisher.cannotStore(route, message) && this.#postpone(pending)) return;
    this.#publishIfAllowed(pending, route, message);
  }

  #add(will: Will, client: WillClient, owner: WillOwner | null): PendingWill {
    const pending = new PendingWill(will, client);
    pending.owner = owner;
    if (owner !== null) owner.will = pending;
    this.#bytes += willBytes(will);
    return pending;
  }

  /** The will is published, or deleted. */
  #forget(pending: PendingWill): void {
    if (pending.isOver) return;
    pending.isOver = true;
    this.#detach(pending);
    if (pending.deadline !== null) this.#host.context.scheduler.clear(pending.deadline);
    this.#bytes -= willBytes(pending.will);
    this.#host.journal?.onWillChanged(pending);
  }

  /**
   * Takes a will from its session, which may get another one. The will is now published in any
   * case.
   */
  #detach(pending: PendingWill): void {
    if (pending.owner !== null) pending.owner.will = null;
    pending.owner = null;
  }

  /**
   * Makes a due will wait until the store can take it.
   *
   * @returns False if too many wait.
   */
  #postpone(pending: PendingWill): boolean {
    const { journal, context: { limits, scheduler, clock } } = this.#host;
    if (this.#postponed >= limits.willsAskedMax) return false;
    this.#postponed++;
    this.#detach(pending);
    pending.deadline = new Deadline(() => {
      this.#postponed--;
      this.publish(pending);
    });
    scheduler.set(pending.deadline, clock.now() + RETRY_MS);
    journal!.onWillChanged(pending);
    return true;
  }

  #publishIfAllowed(pending: PendingWill, route: Route<Receiver>, message: Message): void {
    const { journal, context } = this.#host;
    const { access } = pending;
    if (access === null) return this.#settle(pending, route, message, true);
    if (this.#asked >= context.limits.willsAskedMax) {
      return this.#settle(pending, route, message, false);
    }
    const settle = (may: boolean) => this.#settle(pending, route, message, may);
    const fail = (error: unknown) => {
      context.reportError(error);
      settle(false);
    };
    try {
      const { name, qos, retain } = message;
      const topic = targetOf(name, context) ?? name;
      const may = access.mayPublish({ topic, qos, retain, will: true });
      if (typeof may === "boolean") return settle(may);
      this.#asked++;
      this.#detach(pending);
      journal?.onWillChanged(pending);
      may.finally(() => this.#asked--).then(settle).catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #settle(pending: PendingWill, route: Route<Receiver>, message: Message, may: boolean): void {
    const { publisher, context } = this.#host;
    const { clientId } = pending;
    this.#forget(pending);
    if (!may) return context.reportDrop("not-authorized", message, clientId);
    const { outcome } = publisher.publish(route, message);
    if (outcome === Outcome.refused) context.reportDrop("backlog", message, clientId);
  }
}

/** The message of a will, with the properties of the will [MQTT-3.1.3-10]. */
function messageOf(
  { will, clientId }: PendingWill,
  route: Route<Receiver>,
  nowMs: number,
): Message {
  const { payload, properties, qos, retain } = will;
  const origin = Origin.client(clientId);
  return Message.of({ route, payload, properties, qos, retain, nowMs, origin });
}

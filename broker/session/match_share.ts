/**
 * The share of one session in the cost of matching (`matchStepsMax`). The filters of a session may
 * take half of what the filters of the others leave, so one client cannot keep the others from
 * filters with `+`.
 *
 * The steps by which a filter makes matching more costly are charged to the session that subscribes
 * to it. What becomes free when a session unsubscribes is its own again. What another session keeps
 * costly stays charged, until the session has no subscription left.
 */
import { parseSharedFilter } from "../../router/topic.ts";
import type { Router } from "../../router/router.ts";
import type { Subscription } from "../../router/subscription.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { Session } from "./session.ts";

/**
 * Adds a subscription of a session, and charges its cost. Returns whether the subscription is new.
 */
export function subscribeCharged(
  router: Router<Receiver>,
  session: Session,
  subscription: Subscription<Receiver>,
): boolean {
  const before = router.matchCost;
  const isNew = router.subscribe(subscription) === undefined;
  session.subscriptions.set(subscription);
  session.subscriptions.matchSteps += Math.max(0, router.matchCost - before);
  return isNew;
}

/** Removes a subscription of a session, and credits its cost. Returns whether there was one. */
export function unsubscribeCharged(
  router: Router<Receiver>,
  session: Session,
  filter: string,
): boolean {
  const { subscriptions } = session;
  const before = router.matchCost;
  const existed = router.unsubscribe(session, filter) !== undefined;
  subscriptions.delete(filter);
  const freed = before - router.matchCost;
  subscriptions.matchSteps = subscriptions.size === 0
    ? 0
    : Math.max(0, subscriptions.matchSteps - freed);
  return existed;
}

/** Why a filter may not be added: matching would cost too much, or too much for one session. */
export type MatchFault = "all" | "share";

/**
 * Whether the cost of matching allows a session to subscribe to a filter. A filter that adds no
 * cost is never refused.
 *
 * @param stepsMax The maximum cost of matching; 0 for no limit.
 * @returns The fault; `null` if the session may subscribe.
 */
export function matchFault(
  router: Router<Receiver>,
  session: Session,
  filter: string,
  stepsMax: number,
): MatchFault | null {
  if (stepsMax === 0) return null;
  const before = router.matchCost;
  const after = router.matchCostWith(parseSharedFilter(filter)?.filter ?? filter);
  if (after <= before) return null;
  if (after > stepsMax) return "all";
  const own = Math.min(before, session.subscriptions.matchSteps);
  return own + after - before > shareOf(stepsMax, before - own) ? "share" : null;
}

/** The maximum cost of one session, given the cost of all others, in steps. */
export function shareOf(stepsMax: number, others: number): number {
  return Math.ceil((stepsMax - others) / 2);
}

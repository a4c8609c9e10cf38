/** Asks the authorizer about a subscription of a session, and ends one. */
import type { QoS } from "../../codec/mod.ts";
import type { Router } from "../../router/router.ts";
import { parseSharedFilter } from "../../router/topic.ts";
import type { Receiver } from "../delivery/subscriber.ts";
import type { ClientAccess } from "./client_access.ts";
import { unsubscribeCharged } from "./match_share.ts";
import type { Session } from "./session.ts";

/** Asks whether a client may subscribe to a filter, which may begin with `$share/…`. */
export function maySubscribe(
  access: ClientAccess,
  filter: string,
  qos: QoS,
): boolean | Promise<boolean> {
  const shared = parseSharedFilter(filter);
  return access.maySubscribe({
    filter: shared?.filter ?? filter,
    qos,
    group: shared?.group ?? null,
  });
}

/** Asks whether a client may end a subscription to a filter, as {@linkcode maySubscribe}. */
export function mayUnsubscribe(access: ClientAccess, filter: string): boolean | Promise<boolean> {
  const shared = parseSharedFilter(filter);
  const group = shared?.group ?? null;
  return access.mayUnsubscribe({ filter: shared?.filter ?? filter, qos: 0, group });
}

/** The broker, as the end of a subscription needs it. */
export interface SubscriptionHost {
  readonly router: Router<Receiver>;
}

/** Ends one subscription of a session; returns whether there was one. */
export function endSubscription(host: SubscriptionHost, session: Session, filter: string): boolean {
  const existed = unsubscribeCharged(host.router, session, filter);
  session.queue.markSubscriptionChanged(filter);
  return existed;
}

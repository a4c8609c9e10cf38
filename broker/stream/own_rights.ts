/** Clients with permissions that come with their login cannot read streams of another node. */
import { ReasonCode } from "../../codec/mod.ts";
import type { ClientLink } from "../session/client_link.ts";

/** What such a client is told. */
export const OWN_RIGHTS_TEXT =
  "Permissions that come with a login do not hold for a stream that another worker has";

/** Whether a client has permissions that the other node would not know. */
export function hasOwnRights({ authorizer, policy }: Pick<ClientLink, "authorizer" | "policy">) {
  return authorizer !== policy.authorizer;
}

/**
 * Disconnects such a client, which has come from the node of the streams with its subscriptions. Its
 * session stays.
 */
export function refuseOwnRights(link: ClientLink): void {
  // It is being connected.
  queueMicrotask(() => link.disconnect(ReasonCode.NotAuthorized, OWN_RIGHTS_TEXT));
}

/** What one node asks another one of its streams, and is answered. */
import type { Properties, SubscriptionRequest } from "../../codec/mod.ts";

/** A SUBSCRIBE to streams. */
export interface RemoteSubscribe {
  /** The properties of the client's SUBSCRIBE. */
  readonly properties: Properties;
  /** The filters, as the client has sent them. */
  readonly requests: readonly SubscriptionRequest[];
  /** Each as an ordinary filter of the session has it, and the name of its stream, if known. */
  readonly known: readonly { readonly filter: string; readonly stream: string }[];
}

/** What the other node has answered. */
export interface RemoteAnswer {
  readonly reasonCodes: readonly number[];
  readonly properties: Properties;
}

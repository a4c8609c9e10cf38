import type { QoS } from "../codec/mod.ts";
import type { ClientInfo } from "./authenticator.ts";

/** What is asked for a publication. */
export interface PublishRequest {
  /** The topic. */
  readonly topic: string;
  /** As published. */
  readonly qos: QoS;
  /** Whether it is to be retained. */
  readonly retain: boolean;
  /** Whether it is the will of the client, asked for when it connects. */
  readonly will: boolean;
}

/** What is asked for a subscription. */
export interface SubscribeRequest {
  /** The topic filter, without `$share/…`. */
  readonly filter: string;
  /** As asked for. */
  readonly qos: QoS;
  /** The name of the shared group, or `null`. */
  readonly group: string | null;
}

/** Decides what a client may do. A promise holds up that client and nobody else. */
export interface Authorizer {
  /** Whether a client may publish. */
  mayPublish(client: ClientInfo, request: PublishRequest): boolean | Promise<boolean>;
  /** Whether a client may subscribe. */
  maySubscribe(client: ClientInfo, request: SubscribeRequest): boolean | Promise<boolean>;
}

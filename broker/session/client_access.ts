/** What the client of a session may publish and receive. */
import { permissionNow, permissionOf } from "../../auth/answer.ts";
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { Authorizer, PublishRequest, SubscribeRequest } from "../../auth/authorizer.ts";

/** The last answer is remembered only for topics of up to so many characters. */
const LAST_TOPIC_CHARS_MAX = 1024;

/** The part of the broker that {@linkcode ClientAccess} needs. */
export interface ClientAccessHost {
  /** Changes when answers of authorizers become outdated. */
  readonly accessVersion: number;
  /** Reports an internal error. */
  reportError(error: unknown): void;
}

/**
 * The permissions of one client: asks the authorizer about it. A session keeps this while its
 * client is away, because messages are still published to the session.
 */
export class ClientAccess {
  readonly #host: ClientAccessHost;
  readonly #authorizer: Authorizer;
  readonly #client: ClientInfo;
  /** The last answer about a delivery: the next message often has the same topic. */
  #topic: string | null = null;
  #mayReceive = false;
  #asOf = -1;

  constructor(host: ClientAccessHost, authorizer: Authorizer, client: ClientInfo) {
    this.#host = host;
    this.#authorizer = authorizer;
    this.#client = client;
  }

  /** Whether the authorizer decides about deliveries. */
  get checksDelivery(): boolean {
    return this.#authorizer.mayReceive !== undefined;
  }

  /** Whether the client may publish. */
  mayPublish(request: PublishRequest): boolean | Promise<boolean> {
    const may = this.#authorizer.mayPublish(this.#client, request);
    return typeof may === "boolean" ? may : permissionOf("mayPublish", may);
  }

  /** Whether the client may subscribe. */
  maySubscribe(request: SubscribeRequest): boolean | Promise<boolean> {
    const may = this.#authorizer.maySubscribe(this.#client, request);
    return typeof may === "boolean" ? may : permissionOf("maySubscribe", may);
  }

  /** Whether the authorizer decides about the end of subscriptions. */
  get checksUnsubscribe(): boolean {
    return this.#authorizer.mayUnsubscribe !== undefined;
  }

  /** Whether the client may end a subscription. */
  mayUnsubscribe(request: SubscribeRequest): boolean | Promise<boolean> {
    const may = this.#authorizer.mayUnsubscribe?.(this.#client, request) ?? true;
    return typeof may === "boolean" ? may : permissionOf("mayUnsubscribe", may);
  }

  /** Whether the client may receive what is published to a topic. */
  mayReceive(topic: string): boolean {
    const { accessVersion } = this.#host;
    if (topic === this.#topic && this.#asOf === accessVersion) return this.#mayReceive;
    // A hundred thousand sessions must not keep as many long topics in memory.
    if (topic.length > LAST_TOPIC_CHARS_MAX) return this.#ask(topic);
    this.#topic = topic;
    this.#asOf = accessVersion;
    return this.#mayReceive = this.#ask(topic);
  }

  #ask(topic: string): boolean {
    try {
      const { mayReceive } = this.#authorizer;
      if (mayReceive === undefined) return true;
      return permissionNow("mayReceive", mayReceive.call(this.#authorizer, this.#client, topic));
    } catch (error) {
      // The error must not reach the publisher or the other receivers.
      this.#host.reportError(error);
      return false;
    }
  }
}

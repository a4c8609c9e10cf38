/** What the client of a session may publish and receive. */
import { permissionNow, permissionOf } from "../../auth/answer.ts";
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { Authorizer, PublishRequest, SubscribeRequest } from "../../auth/authorizer.ts";

/** The answer about a topic with more characters is asked for again each time. */
const LAST_TOPIC_CHARS_MAX = 1024;

/** What all {@linkcode ClientAccess} of a broker share. */
export interface ClientAccessHost {
  /** Counts how often answers of authorizers have become outdated. */
  readonly accessVersion: number;
  /** Reports a failure that is not the client's. */
  reportError(error: unknown): void;
}

/**
 * What one client may do: an authorizer, asked in the client's name. A session
 * keeps it while its client is away, for what is published meanwhile.
 */
export class ClientAccess {
  readonly #host: ClientAccessHost;
  readonly #authorizer: Authorizer;
  readonly #client: ClientInfo;
  /** The last answer about a delivery: the next message is often of the same topic. */
  #topic: string | null = null;
  #mayReceive = false;
  #asOf = -1;

  constructor(host: ClientAccessHost, authorizer: Authorizer, client: ClientInfo) {
    this.#host = host;
    this.#authorizer = authorizer;
    this.#client = client;
  }

  /** Whether there is anything to ask for a delivery. */
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

  /** Whether there is anything to ask before a subscription is ended. */
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
    // A hundred thousand sessions must not hold on to as many long topics.
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
      // Neither who publishes nor who else receives can help it.
      this.#host.reportError(error);
      return false;
    }
  }
}

import type { Route } from "../../router/route_cache.ts";
import type { ClientAccess } from "./client_access.ts";
import type { SessionHost } from "./session_host.ts";
import { Outcome } from "../delivery/delivery.ts";
import type { Message } from "../base/message.ts";
import type { Receiver } from "../delivery/subscriber.ts";

/**
 * Wills of clients that an authorizer speaks for: it is asked again when one is
 * published, since what was allowed at CONNECT may not be any more.
 */
export class WillAuthorization {
  readonly #host: SessionHost;
  /** How many wait for an answer. */
  #pending = 0;

  constructor(host: SessionHost) {
    this.#host = host;
  }

  /**
   * Publishes a will, if its client may, once that is known.
   *
   * @param access What the client may do; `null` for everything.
   * @param take Takes the will from its session, which may go on meanwhile if that is only known
   * later. What it returns is called when the will is settled.
   */
  publish(
    route: Route<Receiver>,
    message: Message,
    clientId: string,
    access: ClientAccess | null,
    take: (isLater: boolean) => () => void,
  ): void {
    const { name: topic, qos, retain } = message;
    const host = this.#host;
    let forget: (() => void) | null = null;
    const settle = (may: boolean) => {
      // In the commit that holds what comes of it.
      (forget ?? take(false))();
      if (!may) return host.context.dropped("not-authorized", message, clientId);
      const { outcome } = host.publisher.publish(route, message, clientId);
      if (outcome === Outcome.refused) host.context.dropped("backlog", message, clientId);
    };
    if (access === null) return settle(true);
    const fail = (error: unknown) => {
      host.context.failed(error);
      settle(false);
    };
    if (this.#pending >= host.context.limits.willsAskedMax) return settle(false);
    try {
      const may = access.mayPublish({ topic, qos, retain, will: true });
      if (typeof may === "boolean") return settle(may);
      this.#pending++;
      forget = take(true);
      may.finally(() => this.#pending--).then(settle).catch(fail);
    } catch (error) {
      fail(error);
    }
  }
}

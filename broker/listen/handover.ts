/** Connections that leave this node, because their clients live on another one. */
import type { NativeSockets } from "../../transport/native/native_sockets.ts";
import type { ClientHome } from "../base/client_home.ts";
import type { BrokerContext } from "../base/context.ts";
import type { Limiters } from "../limits/limiters.ts";
import type { SharedLimits } from "../limits/shared_limits.ts";
import type { Listeners } from "./listeners.ts";

/**
 * A broker as one of several nodes that hand connections over to each other. `Broker.accept` takes
 * those that come.
 */
export class Handover {
  readonly #context: BrokerContext;
  readonly #listeners: Listeners;
  readonly #limiters: Limiters;

  constructor(context: BrokerContext, listeners: Listeners, limiters: Limiters) {
    this.#context = context;
    this.#listeners = listeners;
    this.#limiters = limiters;
  }

  /**
   * Says where clients live, for listeners that are opened from now on.
   *
   * @param native The native sockets of all listeners; by default the broker opens them itself.
   */
  begin(home: ClientHome, native: NativeSockets | null = null): void {
    this.#context.home = home;
    if (native !== null) this.#listeners.useNative(native);
  }

  /** Limits connections and addresses together with other brokers of this process from now on. */
  share(limits: SharedLimits): void {
    this.#limiters.share(limits);
  }
}

/** Connections that change the node: those that leave this one, and those that come to it. */
import type { DetachedSocket } from "../../transport/native/native_socket.ts";
import type { NativeSockets } from "../../transport/native/native_sockets.ts";
import type { PeerInfo } from "../../transport/transport.ts";
import type { ClientHome } from "../base/client_home.ts";
import type { BrokerContext } from "../base/context.ts";
import type { ListenerPolicy } from "../base/listener_policy.ts";
import type { Listeners } from "./listeners.ts";

/** A broker as one of several nodes that hand connections over to each other. */
export class Handover {
  readonly #context: BrokerContext;
  readonly #listeners: Listeners;

  constructor(context: BrokerContext, listeners: Listeners) {
    this.#context = context;
    this.#listeners = listeners;
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

  /**
   * Takes over a native socket that another thread of the process has accepted, with what it has
   * read from it. `Broker.accept` does the same for any other transport.
   *
   * @throws {NativeSocketsUnavailableError} If the C library cannot be used.
   */
  adopt(socket: DetachedSocket, peer: PeerInfo, policy: ListenerPolicy): Promise<void> {
    return this.#listeners.adopt(socket, peer, policy);
  }
}

/** The state that a client keeps from one connection to the next. */
import { type DisconnectPacket, type Packet, ProtocolError } from "../codec/mod.ts";
import { Answer } from "./answer.ts";
import { AuthenticationExchange } from "./authentication_exchange.ts";
import type { PacketHandler } from "./connection.ts";
import { ConnectError, DisconnectedError } from "./errors.ts";
import { Incoming } from "./incoming.ts";
import type { Link } from "./link.ts";
import type { Settings } from "./options.ts";
import { Outgoing } from "./outgoing.ts";
import { ReadPause } from "./read_pause.ts";
import { Subscriptions } from "./subscriptions.ts";
import { UnmatchedMessages } from "./unmatched_messages.ts";

/** A re-authentication in progress. */
interface Reauthentication {
  readonly exchange: AuthenticationExchange;
  readonly settled: Answer<void>;
}

/**
 * The state that a client keeps from one connection to the next. It handles the packets of each
 * connection.
 */
export class Session implements PacketHandler {
  /** Decides whether the socket is read. */
  readonly readPause: ReadPause;
  /** Messages to the server. */
  readonly outgoing: Outgoing;
  /** Messages from the server. */
  readonly incoming: Incoming;
  /** The subscriptions that receive them. */
  readonly subscriptions: Subscriptions;
  readonly #settings: Settings;
  #link: Link | null = null;
  #isFirst = true;
  #reauthentication: Reauthentication | null = null;

  /** Makes a new session. */
  constructor(settings: Settings) {
    const { limits, clock } = settings;
    this.#settings = settings;
    this.readPause = new ReadPause(limits.heldBytesMax);
    this.outgoing = new Outgoing(limits, clock);
    const unmatched = new UnmatchedMessages(limits, clock, this.readPause);
    this.incoming = new Incoming((message) => this.subscriptions.route(message), unmatched);
    this.subscriptions = new Subscriptions(limits, this.readPause, this.outgoing, this.incoming);
  }

  /** Continues on a new connection. */
  attach(link: Link): void {
    this.#link = link;
    link.connection.handler = this;
    this.incoming.attach(link, this.#isFirst);
    this.#isFirst = false;
    this.outgoing.attach(link);
    // Subscriptions first, because some of the messages may be for them.
    this.subscriptions.attach(link);
    this.outgoing.pump();
    this.readPause.attach(link.connection);
  }

  /** The connection has ended. */
  detach(): void {
    const error = this.#link?.connection.error;
    this.#link = null;
    this.readPause.attach(null);
    this.incoming.detach();
    this.subscriptions.detach();
    this.outgoing.detach();
    this.#reauthentication?.settled.reject(error);
    this.#reauthentication = null;
  }

  /** Ends all subscriptions. Iterators throw `error`, or end if it is `null`. */
  endSubscriptions(error: Error | null): void {
    this.subscriptions.fail(error);
    this.incoming.close();
  }

  /** Rejects everything that waits. */
  fail(error: Error | null): void {
    this.endSubscriptions(error);
    this.outgoing.fail(error ?? new DisconnectedError("The client is closed"));
  }

  /** Takes a packet. */
  onPacket(packet: Packet): void {
    switch (packet.type) {
      case "publish":
        return this.incoming.onPublish(packet);
      case "pubrel":
        return this.incoming.onPubrel(packet);
      case "puback":
      case "pubrec":
      case "pubcomp":
        return this.outgoing.onAck(packet);
      case "suback":
      case "unsuback":
        return this.outgoing.onAnswer(packet);
      case "pingresp":
        // Nothing to do: the connection has noted the time.
        return;
      case "auth":
        return this.#authenticate(packet);
      case "disconnect":
        return this.#onDisconnect(packet);
      default:
        throw new ProtocolError(`A ${packet.type} from a server`, 0, "§4.13");
    }
  }

  /** Bytes were written. */
  onDrained(): void {
    this.outgoing.pump();
  }

  /**
   * Authenticates again on the current connection.
   *
   * @throws {TypeError} If the client was not connected with enhanced authentication.
   * @throws {DisconnectedError} If there is no connection, or the server ends it.
   */
  async reauthenticate(signal?: AbortSignal): Promise<void> {
    const { authentication, limits } = this.#settings;
    if (authentication === null) throw new TypeError("Cannot authenticate: no method is set");
    if (this.#reauthentication !== null) return await this.#reauthentication.settled.wait(signal);
    const link = this.#link;
    if (link === null) throw new DisconnectedError("Cannot authenticate: not connected");
    const exchange = new AuthenticationExchange(authentication, limits.authenticationStepsMax);
    const settled = new Answer<void>(this.readPause);
    this.#reauthentication = { exchange, settled };
    try {
      const properties = await exchange.begin();
      link.connection.send({ type: "auth", reasonCode: 0x19, properties });
    } catch (error) {
      this.#reauthentication = null;
      throw error;
    }
    await settled.wait(signal);
  }

  #authenticate(packet: Packet & { type: "auth" }): void {
    const { connection } = this.#link!;
    const under = this.#reauthentication;
    if (under === null) throw new ProtocolError("An AUTH out of place", 0, "§4.12");
    const isLast = packet.reasonCode === 0;
    if (isLast) this.#reauthentication = null;
    const step = isLast
      ? under.exchange.finish(packet)
      : under.exchange.continue(packet, connection);
    step.then(() => {
      if (isLast) under.settled.resolve();
    }).catch((error) => {
      under.settled.reject(error);
      connection.fail(error);
    });
  }

  #onDisconnect({ reasonCode, properties }: DisconnectPacket): void {
    const { reasonString, serverReference } = properties;
    const message = "The server ended the connection";
    const error = serverReference === undefined
      ? new DisconnectedError(message, { reasonCode, reasonString })
      : new ConnectError(message, { reasonCode, reasonString, serverReference });
    this.#link!.connection.fail(error);
  }
}

/** Asks the program about each message for one connection before it is sent. */
import type { ClientInfo } from "../../auth/authenticator.ts";
import type { QoS } from "../../codec/mod.ts";
import type { Variant } from "../../router/variant.ts";
import { changedMessage } from "../base/changed_message.ts";
import type { BrokerContext } from "../base/context.ts";
import { type Deliver, DeliverError } from "../base/deliver.ts";
import type { Message } from "../base/message.ts";
import type { DropReason } from "../base/stats.ts";
import type { MessageSender } from "./publish_sender.ts";

/** Asks the `deliver` of the program about each message for one connection. */
export class DeliverSender implements MessageSender {
  whyUnsent: DropReason = "too-large";
  readonly #sender: MessageSender;
  readonly #context: BrokerContext;
  readonly #deliver: Deliver;
  readonly #client: ClientInfo;

  constructor(
    sender: MessageSender,
    context: BrokerContext,
    deliver: Deliver,
    client: ClientInfo,
  ) {
    this.#sender = sender;
    this.#context = context;
    this.#deliver = deliver;
    this.#client = client;
  }

  send(
    message: Message,
    variant: Variant,
    qos: QoS,
    packetId: number,
    dup: boolean,
    isSure?: boolean,
  ): boolean {
    const sent = this.#ask(message, qos, dup);
    this.whyUnsent = sent === null ? "deliver" : this.#sender.whyUnsent;
    return sent !== null && this.#sender.send(sent, variant, qos, packetId, dup, isSure);
  }

  /** The program is asked about each message. */
  isPlain(): boolean {
    return false;
  }

  release(): void {
    this.#sender.release();
  }

  /** The message to send; `null` if nothing is sent. */
  #ask(message: Message, qos: QoS, isRepeated: boolean): Message | null {
    const { name: topic, payload, retain } = message;
    try {
      const known = this.#deliver({ topic, payload, qos, retain, isRepeated }, this.#client);
      if (known === undefined) return message;
      if (known === null) return null;
      if (known instanceof Promise) {
        known.catch(() => {});
        throw new TypeError("it has returned a promise");
      }
      return changedMessage(message, known, this.#context.clock.now());
    } catch (error) {
      this.#context.reportError(new DeliverError(this.#client.clientId, topic, error));
      return null;
    }
  }
}

import type { QoS } from "../codec/mod.ts";
import type { Variant } from "../router/variant.ts";
import type { Hold } from "./durable/durable_backlog.ts";
import type { Message } from "./message.ts";

/** A message in flight to a client: what is needed to send it again. */
export class Sent {
  /** The commit that has to be on the disk before it is sent; 0 for none. */
  commit = 0;
  /** Whether the client may have seen it. */
  wasSent = false;

  /**
   * @param message The message; `null` when only the store has it, and once it
   * will not be sent again.
   * @param variant How it is sent.
   * @param qos With which QoS.
   * @param hold What keeps it in the store; `null` where it is not there.
   */
  constructor(
    public message: Message | null,
    readonly variant: Variant,
    readonly qos: QoS,
    public hold: Hold | null = null,
  ) {}
}

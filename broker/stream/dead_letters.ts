/** Takes the messages of groups that go to nobody any more. */
import type { StreamCursor } from "../../stream/stream_cursor.ts";
import type { StreamLog } from "../../stream/stream_log.ts";
import type { BrokerContext } from "../base/context.ts";
import type { DeadMessage, Undertaker } from "./dead_message.ts";

/** How often a message is given to members by default. */
export const DELIVERIES_MAX = 5;

/** What dead letters need of the streams of the broker. */
export interface DeadLettersHost {
  readonly context: BrokerContext;
}

/** Takes the messages of groups that go to nobody any more. */
export class DeadLetters implements Undertaker {
  readonly #host: DeadLettersHost;

  constructor(host: DeadLettersHost) {
    this.#host = host;
  }

  bury(_log: StreamLog, _cursor: StreamCursor, { reason }: DeadMessage): boolean {
    const { stats } = this.#host.context;
    stats.dropped[reason === "refused" || reason === "max-deliver" ? "undeliverable" : reason]++;
    return true;
  }

  deliveriesMax(): number {
    return DELIVERIES_MAX;
  }
}

/** The flags for the will of `pub` and `sub`. */
import type { WillOptions } from "../client/mod.ts";
import type { Properties, QoS } from "../codec/mod.ts";
import { topicNameFault } from "../router/topic.ts";
import type { Flags, FlagTable } from "./flags.ts";
import { FlagError } from "./flag_error.ts";

type WillFlag = "willTopic" | "willPayload" | "willQos" | "willRetain";

/** The flags for the will. */
export const WILL_FLAGS: FlagTable<WillFlag> = {
  willTopic: {
    names: ["--will-topic"],
    value: "TOPIC",
    about: "have the broker publish a will if this client is lost",
  },
  willPayload: { names: ["--will-payload"], value: "TEXT", about: "what it says (nothing)" },
  willQos: { names: ["--will-qos"], value: "QOS", about: "0, 1 or 2 (0)" },
  willRetain: { names: ["--will-retain"], about: "have it retained" },
};

/**
 * Reads the will.
 *
 * @returns `null` if there is none.
 * @throws {FlagError} If its topic is missing or invalid.
 */
export function readWill(flags: Flags<WillFlag>, properties: Properties): WillOptions | null {
  const topic = flags.text("willTopic");
  if (topic === null) {
    const names = ["willPayload", "willQos", "willRetain"] as const;
    const alone = names.find((name) => flags.has(name));
    const label = alone === undefined ? "-D will" : flags.label(alone);
    if (alone === undefined && Object.keys(properties).length === 0) return null;
    throw new FlagError(`${label} is of no use without --will-topic`);
  }
  const fault = topicNameFault(topic);
  if (fault !== null) throw new FlagError(`--will-topic needs a topic: "${topic}" ${fault}`);
  return {
    topic,
    payload: flags.text("willPayload") ?? "",
    qos: (flags.whole("willQos", 0, 2) ?? 0) as QoS,
    retain: flags.has("willRetain"),
    properties,
  };
}

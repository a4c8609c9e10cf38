/** Checks the length and the levels of a topic or filter. */
import { utf8Size } from "../../codec/mod.ts";
import { hasMoreLevels } from "../../router/topic.ts";
import type { BrokerLimits } from "../base/limits.ts";

/** The maximum number of UTF-8 bytes of a UTF-16 code unit. */
const UNIT_BYTES_MAX = 3;

/** Whether a topic or filter exceeds the limits of length or levels. */
export function isBeyondLimits(
  text: string,
  { topicBytesMax, topicLevelsMax }: BrokerLimits,
): boolean {
  const mayBeLong = text.length * UNIT_BYTES_MAX > topicBytesMax;
  return (mayBeLong && utf8Size(text) > topicBytesMax) || hasMoreLevels(text, topicLevelsMax);
}

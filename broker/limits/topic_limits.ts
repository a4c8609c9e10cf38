import { utf8Size } from "../../codec/mod.ts";
import { hasMoreLevels } from "../../router/router.ts";
import type { BrokerLimits } from "../base/limits.ts";

/** Bytes of a UTF-16 code unit in UTF-8, at most. */
const UNIT_BYTES_MAX = 3;

/** Whether a topic or filter is longer, or deeper, than it may be. */
export function isBeyondLimits(
  text: string,
  { topicBytesMax, topicLevelsMax }: BrokerLimits,
): boolean {
  const mayBeLong = text.length * UNIT_BYTES_MAX > topicBytesMax;
  return (mayBeLong && utf8Size(text) > topicBytesMax) || hasMoreLevels(text, topicLevelsMax);
}

/**
 * Streams: messages that are kept after delivery, with sequences that are never used again, and
 * readers that begin at any position and continue with new messages. This is the log that a broker
 * keeps of the streams it declares, and it works without a broker.
 *
 * @module
 */
export type { GroupInfo, PendingInfo } from "./group_info.ts";
export type { Retention } from "./retention.ts";
export {
  type AppendOptions,
  type PurgeOptions,
  type ReadOptions,
  Stream,
  type StreamMessage,
} from "./stream.ts";
export { Streams, type StreamsOptions } from "./streams.ts";
export { TooManyTopicsError } from "./resolve_position.ts";

/** The options of a stream. */
import { DEAD_REASONS, DELIVERIES_MAX, isGroupName } from "../../broker/stream/stream_options.ts";
import { streamNameFault } from "../../stream/stream_name.ts";
import { bytesKind, integer, oneOf, span, text, textWhere } from "./kinds.ts";
import { many, once, option, optional, type Values } from "./option.ts";

/** The name of a stream. */
export const streamName = textWhere(
  "a name of 1 to 64 of the characters A-Z a-z 0-9 _ . -, such as day",
  (name) => streamNameFault(name) === null,
);

/** Options of a stream: of the last `fairway_stream` line. */
export const STREAM_OPTIONS = {
  fairway_stream_topic: many(text("a topic filter, such as sensors/#")),
  fairway_stream_exclude: many(text("a topic filter, such as sensors/camera/#")),
  fairway_stream_max_age: optional(span),
  fairway_stream_max_bytes: optional(bytesKind),
  fairway_stream_max_messages: optional(integer(1)),
  fairway_stream_max_per_topic: optional(integer(1)),
  fairway_stream_compact: option(oneOf("topic", "none"), "none"),
  fairway_stream_store: option(oneOf("disk", "memory"), "disk"),
  fairway_stream_dead: once(streamName),
  fairway_stream_dead_reason: many(oneOf(...DEAD_REASONS)),
  fairway_stream_max_deliver: option(integer(1), DELIVERIES_MAX),
  fairway_stream_exclusive_group: many(
    textWhere("the name of a group, without / + #, such as workers", isGroupName),
  ),
};

/** Values of {@linkcode STREAM_OPTIONS}. */
export type StreamValues = Values<typeof STREAM_OPTIONS>;

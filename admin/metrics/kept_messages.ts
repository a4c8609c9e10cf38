/** Instruments for messages that the broker keeps without a session. */
import type { Broker } from "../../broker/broker.ts";
import { type Instrument, single } from "./instrument.ts";

/** Retained messages, and delayed ones. */
export function keptInstruments({ stats }: Broker): Instrument[] {
  return [
    single(
      "gauge",
      "fairway_retained_messages",
      "Retained messages.",
      () => stats.retainedMessages,
    ),
    single(
      "gauge",
      "fairway_retained_bytes",
      "What they cost in memory.",
      () => stats.retainedBytes,
    ),
    single(
      "counter",
      "fairway_retained_deletions_forgotten_total",
      "Deletions that were forgotten before their time.",
      () => stats.retainedDeletionsForgotten,
    ),
    single(
      "gauge",
      "fairway_delayed_messages",
      "Messages that are published later.",
      () => stats.delayedMessages,
    ),
    single(
      "gauge",
      "fairway_delayed_bytes",
      "What they cost in memory.",
      () => stats.delayedBytes,
    ),
    single(
      "counter",
      "fairway_messages_delayed_total",
      "Messages that were taken to be published later.",
      () => stats.messagesDelayed,
    ),
  ];
}

/** What is measured of the bridges to other brokers, each under its name. */
import type { BridgeStatus } from "../../bridge/status.ts";
import { byLabel, type Instrument } from "./instrument.ts";

/** @param bridges The bridges as of now; there are no values without. */
export function bridgeInstruments(bridges: () => readonly BridgeStatus[]): Instrument[] {
  const of = (
    kind: "counter" | "gauge",
    name: string,
    help: string,
    read: (bridge: BridgeStatus) => number,
  ) =>
    byLabel(
      kind,
      `fairway_bridge_${name}`,
      help,
      "bridge",
      () => bridges().map((bridge) => [bridge.name, read(bridge)]),
    );
  return [
    of(
      "gauge",
      "connected",
      "1 for a bridge that is connected, otherwise 0.",
      ({ state }) => state === "connected" ? 1 : 0,
    ),
    of(
      "gauge",
      "backlog_messages",
      "Messages that wait for another broker.",
      ({ backlog }) => backlog,
    ),
    of(
      "gauge",
      "backlog_bytes",
      "Bytes that wait for another broker.",
      ({ backlogBytes }) => backlogBytes,
    ),
    of(
      "gauge",
      "lag_seconds",
      "How long something has always waited.",
      ({ lagSeconds }) => lagSeconds,
    ),
    of(
      "counter",
      "sent_messages_total",
      "Messages to another broker.",
      ({ counters }) => counters.messagesOut,
    ),
    of(
      "counter",
      "received_messages_total",
      "Messages from another broker.",
      ({ counters }) => counters.messagesIn,
    ),
    of(
      "counter",
      "connects_total",
      "Connections to another broker.",
      ({ counters }) => counters.connects,
    ),
    of(
      "counter",
      "failures_total",
      "Failed attempts and lost connections.",
      ({ counters }) => counters.failures,
    ),
    {
      kind: "counter",
      name: "fairway_bridge_dropped_messages_total",
      help: "Messages that a bridge did not pass on, by the reason.",
      *read() {
        for (const { name, counters: { dropped } } of bridges()) {
          for (const [reason, value] of Object.entries(dropped)) {
            yield { labels: { bridge: name, reason }, value };
          }
        }
      },
    },
  ];
}

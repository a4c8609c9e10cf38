import { assertEquals } from "@std/assert";
import { DEFAULT_LIMITS } from "../../broker/base/limits.ts";
import { limitsOf } from "./broker_options.ts";
import { printEffective } from "./print.ts";
import { parse } from "../testdata/conf.ts";

Deno.test("limitsOf() leaves the limits of the broker as they are, but sessions last for ever", async () => {
  assertEquals(limitsOf(await parse("")), {
    ...DEFAULT_LIMITS,
    sessionExpirySecondsMax: 0xffff_ffff,
  });
});

for (
  const [text, expected] of [
    ["max_inflight_messages 5", { inflightMax: 5, receiveMaximum: 5 }],
    ["max_inflight_messages 0", { inflightMax: 32_767, receiveMaximum: 65_535 }],
    ["max_inflight_messages 65535", { inflightMax: 32_767, receiveMaximum: 65_535 }],
    ["max_queued_messages 7", { backlogMessagesMax: 7 }],
    ["max_queued_messages 0", { backlogMessagesMax: Number.MAX_SAFE_INTEGER }],
    ["max_queued_bytes 8", { backlogBytesMax: 8 }],
    ["max_queued_bytes 0", { backlogBytesMax: DEFAULT_LIMITS.backlogBytesMax }],
    ["max_packet_size 1000", { packetBytesMax: 1000 }],
    ["persistent_client_expiration 2d", { sessionExpirySecondsMax: 172_800 }],
    ["persistent_client_expiration 999y", { sessionExpirySecondsMax: 0xffff_ffff }],
    ["max_keepalive 60", { keepAliveSecondsMax: 60 }],
    ["max_keepalive 65535", { keepAliveSecondsMax: 0 }],
    ["global_max_connections 9", { connectionsMax: 9 }],
    ["global_max_clients 10", { sessionsMax: 10 }],
    ["global_max_clients -1", { sessionsMax: DEFAULT_LIMITS.sessionsMax }],
    ["fairway_limit_stall_ms 1", { stallMs: 1 }],
    ["max_queued_messages 7\nfairway_limit_backlog_messages_max 9", { backlogMessagesMax: 7 }],
  ] as const
) {
  Deno.test(`limitsOf() knows what it means: ${text.replace("\n", ", ")}`, async () => {
    const configuration = await parse(text);
    const limits: Record<string, number> = { ...limitsOf(configuration) };
    for (const [name, value] of Object.entries(expected)) assertEquals(limits[name], value);
    // What is printed means the same.
    assertEquals(limitsOf(await parse(printEffective(configuration))), limitsOf(configuration));
  });
}

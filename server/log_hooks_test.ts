import { assertEquals } from "@std/assert";
import { OperatorLog } from "../admin/operator_log.ts";
import type { LogType } from "../config/options/log_options.ts";
import type { BrokerHooks } from "../mod.ts";
import { logHooks } from "./log_hooks.ts";

/** Hooks that write to a list of lines, and the list. */
function hooked(
  types: readonly LogType[],
  isConnectionLogged = true,
): { hooks: BrokerHooks; lines: string[] } {
  const lines: string[] = [];
  const log = new OperatorLog(
    { destinations: [{ to: "stdout" }], types, hasTimestamp: false, timestampFormat: null },
    {
      stdout: (line) => lines.push(line),
      stderr: () => {},
      topic: () => {},
      open: () => ({ write: () => {}, close: () => {} }),
      openSyslog: () => ({ write: () => {}, close: () => {} }),
      now: () => new Date(),
      after: () => () => {},
    },
  );
  return { hooks: logHooks(log, () => isConnectionLogged), lines };
}

const CLIENT = {
  clientId: "c",
  username: "ann",
  address: "192.0.2.1:5",
  protocolVersion: 5,
  listener: "",
} as Parameters<NonNullable<BrokerHooks["connected"]>>[0];

function tellAll(hooks: BrokerHooks): void {
  hooks.connected!(CLIENT);
  hooks.disconnected!(CLIENT, { reasonCode: 0, by: "client", error: null });
  hooks.disconnected!(CLIENT, { reasonCode: 0x80, by: "network", error: new Error("reset") });
  hooks.disconnected!(CLIENT, { reasonCode: 0x8d, by: "broker", error: null });
  hooks.refused!("192.0.2.1:5", "c", 0x87);
  hooks.refused!("192.0.2.1:5", null, 0x84);
  hooks.handshakeFailed!("192.0.2.1:5", new Error("no certificate"));
}

Deno.test("logHooks() tells who comes and goes in the words of mosquitto", () => {
  const { hooks, lines } = hooked(["notice"]);
  tellAll(hooks);
  assertEquals(lines, [
    "New client connected from 192.0.2.1:5 as c (p5, u'ann').",
    "Client c disconnected.",
    "Client c closed its connection: reset.",
    "Client c disconnected by the broker (0x8d).",
    "Client c from 192.0.2.1:5 was refused (0x87).",
    "A client from 192.0.2.1:5 was refused (0x84).",
    "Connection from 192.0.2.1:5 failed: no certificate",
  ]);
});

Deno.test("logHooks() does not, with connection_messages false; failed logins it tells all the same", () => {
  const { hooks, lines } = hooked(["notice"], false);
  tellAll(hooks);
  const failure = { address: "192.0.2.1:5", clientId: "c", username: "ann", reasonCode: 0x87 };
  hooks.loginFailed!(failure);
  assertEquals(lines, ['login failed from 192.0.2.1 port 5 (0x87) user "ann" client "c"']);
});

Deno.test("logHooks() tells of failures and of what must be looked after", () => {
  const { hooks, lines } = hooked(["error", "warning", "notice", "debug"]);
  hooks.failed!("oh");
  hooks.storeFull!(true);
  hooks.storeFull!(false);
  hooks.busy!(true, 1234.5);
  hooks.busy!(false, 2);
  hooks.dropped!({ reason: "lag", topic: null, clientId: "c" });
  hooks.limited!({ reason: "logins", address: "192.0.2.1:5", clientId: null });
  assertEquals(lines, [
    "Internal error: oh",
    "The store takes nothing more (is the disk full?): QoS 1 and 2 that must survive are refused",
    "The store works again",
    "Overloaded, refusing new connections: the event loop is 1235 ms late",
    "Accepting new connections again: the event loop is 2 ms late",
    "Dropped (lag) for c: many",
    "Limit reached: logins, 192.0.2.1:5",
  ]);
});

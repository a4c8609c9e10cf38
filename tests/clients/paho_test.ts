/**
 * Fairway as Eclipse Paho's Python client sees it. What it says is in `clients/paho_roundtrip.py`.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { withBroker } from "../harness/broker_process.ts";
import { runPython } from "../harness/external_clients.ts";
import { testWith } from "../harness/tools.ts";

const FACTS = [
  "received: paho/0/x = at 0 (qos 0)",
  "received: paho/1/x = at 1 (qos 1)",
  "received: paho/2/x = at 2 (qos 2)",
  "greeted: paho/state = on (qos 1, retained)",
  "will: paho/wills = gone (qos 1)",
  "session present: 0, then 1",
  "resumed: paho/away = while away at 1 (qos 1)",
  "resumed: paho/away = while away at 2 (qos 2)",
  "burst: 300 messages, each once: True",
];

const MODERN_FACTS = [
  "user property: [('ship', 'Fairway'), ('ship', 'again')]",
  "content type: text/plain",
  "response topic: paho/answers",
  "correlation data: b'42'",
  "expires within 1000 s: True",
  "subscription identifier: [9]",
];

for (const [version, facts] of [["311", FACTS], ["5", [...FACTS, ...MODERN_FACTS]]] as const) {
  testWith(
    ["paho"],
    `Paho for Python gets what MQTT promises, version ${version}`,
    () =>
      withBroker(async ({ port }) => {
        const told = await runPython("paho_roundtrip.py", `${port}`, version);
        assertEquals(told.trimEnd().split("\n"), facts);
      }),
  );
}

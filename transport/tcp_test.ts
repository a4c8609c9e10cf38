import { assertEquals } from "@std/assert";
import { addressText } from "./tcp.ts";

for (
  const [hostname, text] of [
    ["192.0.2.7", "192.0.2.7:5"],
    ["2001:db8::7", "[2001:db8::7]:5"],
    ["::ffff:192.0.2.7", "192.0.2.7:5"],
    ["::ffff:c000:207", "[::ffff:c000:207]:5"],
  ] as const
) {
  Deno.test(`addressText() writes port 5 of ${hostname} as ${text}`, () => {
    assertEquals(addressText({ hostname, port: 5 }), text);
  });
}

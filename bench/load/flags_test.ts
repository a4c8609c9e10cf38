import { assertEquals, assertThrows } from "@std/assert";
import { FlagError, parseToolFlags } from "./flags.ts";

Deno.test("parseToolFlags() fills in what the tool does by default", () => {
  const flags = parseToolFlags([], { pairs: 7 });
  assertEquals(flags.pairs, 7);
  assertEquals([flags.target.hostname, flags.target.port], ["127.0.0.1", 1883]);
  assertEquals(flags.traffic, { qos: 0, size: 64, window: 100 });
});

Deno.test("parseToolFlags() reads both forms of a flag", () => {
  const flags = parseToolFlags(["--qos", "2", "--protocol=5", "--json", "--user=u"], {});
  assertEquals([flags.traffic.qos, flags.target.protocol, flags.json], [2, 5, true]);
  assertEquals([flags.target.username, flags.target.password], ["u", null]);
});

Deno.test("parseToolFlags() refuses what makes no sense", () => {
  for (const args of [["--qos", "3"], ["--size", "15"], ["--pairs"], ["--host="], ["--x"], ["y"]]) {
    assertThrows(() => parseToolFlags(args, {}), FlagError);
  }
});

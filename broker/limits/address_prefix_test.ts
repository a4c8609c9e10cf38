import { assertEquals } from "@std/assert";
import { addressKey } from "./address_prefix.ts";

const KEYS: Record<string, string | null> = {
  "192.0.2.7:50123": "192.0.2.7",
  "192.0.2.7": "192.0.2.7",
  "[::ffff:192.0.2.7]:1": "192.0.2.7",
  "::ffff:c000:207": "192.0.2.7",
  "[2001:db8:1:2:3:4:5:6]:50123": "2001:db8:1:2::/64",
  "2001:0DB8:1:2::9": "2001:db8:1:2::/64",
  "[2001:db8::1]:1": "2001:db8:0:0::/64",
  "[fe80::1%eth0]:1": "fe80:0:0:0::/64",
  "[::]:1": "0:0:0:0::/64",
  "127.0.0.1:1": null,
  "127.8.9.1": null,
  "[::1]:1": null,
  "[::ffff:127.0.0.1]:1": null,
  "unix:/run/fairway.sock": null,
  "virtual:7": null,
  "unknown": null,
  "": null,
  "[1:2:3]:1": null,
  "1::2::3": null,
  "[g::1]:1": null,
  "1:2:3:4:5:6:7:8:9": null,
};

for (const [address, key] of Object.entries(KEYS)) {
  Deno.test(`addressKey() of ${address || "nothing"} is ${key}`, () => {
    assertEquals(addressKey(address), key);
  });
}

import { assertEquals, assertThrows } from "@std/assert";
import { AddressList, hostOf, parseAddress } from "./cidr.ts";

Deno.test("parseAddress() reads what is an IP address, and nothing else", () => {
  const good: Record<string, string> = {
    "1.2.3.4": "01020304",
    "::": "0".repeat(32),
    "::1": `${"0".repeat(31)}1`,
    "2001:DB8::ff:1": "20010db80000000000000000" + "00ff0001",
    "1:2:3:4:5:6:7:8": "00010002000300040005000600070008",
    "1:2:3:4:5:6:7::": "00010002000300040005000600070000",
    "64:ff9b::1.2.3.4": "0064ff9b" + "0".repeat(16) + "01020304",
    "::ffff:10.0.0.1": "0a000001",
  };
  for (const [text, hex] of Object.entries(good)) assertEquals(parseAddress(text)?.toHex(), hex);
  const bad = [
    "",
    "1.2.3",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4.5",
    "a.b.c.d",
    "host",
    ":",
    ":::",
    ":1",
  ];
  bad.push(
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "::1.2.3.4:5",
    "1:2",
    "::g",
  );
  for (const text of bad) assertEquals(parseAddress(text), null, text);
});

Deno.test("hostOf() takes the port away", () => {
  const cases = { "1.2.3.4:5": "1.2.3.4", "[::1]:5": "::1", "1.2.3.4": "1.2.3.4", "::1": "::1" };
  for (const [address, host] of Object.entries(cases)) assertEquals(hostOf(address), host);
});

Deno.test("AddressList.has() compares as many bits as a block has", () => {
  const list = new AddressList(["10.0.0.0/8", "192.168.1.128/25", "127.0.0.1", "2001:db8::/33"]);
  for (const inside of ["10.255.0.1", "192.168.1.200", "127.0.0.1", "2001:db8:7fff::1"]) {
    assertEquals(list.has(inside), true, inside);
  }
  assertEquals(list.has("::ffff:10.1.2.3"), true);
  for (const outside of ["11.0.0.1", "192.168.1.127", "127.0.0.2", "2001:db8:8000::", "unknown"]) {
    assertEquals(list.has(outside), false, outside);
  }
  assertEquals(new AddressList(["0.0.0.0/0"]).has("1.2.3.4"), true);
  assertEquals(new AddressList(["0.0.0.0/0"]).has("::1"), false);
  assertEquals(new AddressList(["::ffff:10.0.0.0/104"]).has("10.9.9.9"), true);
  assertEquals(new AddressList([]).has("1.2.3.4"), false);
});

Deno.test("AddressList() refuses what is no block of addresses", () => {
  for (
    const block of ["", "host", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129", "1.2.3.4/-1"]
  ) {
    assertThrows(() => new AddressList([block]), TypeError, `Cannot read "${block}"`);
  }
});

import { assertEquals, assertThrows } from "@std/assert";
import { inetAddress, readInetAddress, unixAddress } from "./socket_address.ts";

Deno.test("inetAddress() is laid out as the kernel has it", () => {
  assertEquals(inetAddress("192.0.2.1", 1883).toHex(), "0200075bc00002010000000000000000");
  const v6 = "0a00075b00000000" + "20010db8000000000000000000000001" + "00000000";
  assertEquals(inetAddress("2001:db8::1", 1883).toHex(), v6);
  const mapped = "0a00000000000000" + "00000000000000000000ffffc0000201" + "00000000";
  assertEquals(inetAddress("::ffff:192.0.2.1", 0).toHex(), mapped);
  for (const hostname of ["localhost", "", "1.2.3", "::g"]) {
    assertThrows(() => inetAddress(hostname, 1), TypeError, "no IP address");
  }
});

Deno.test("readInetAddress() reads what inetAddress() makes, in canonical form", () => {
  const texts = [
    ["192.0.2.1", "192.0.2.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["fe80::", "fe80::"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ];
  for (const [text, canonical] of texts) {
    const read = readInetAddress(inetAddress(text!, 40_000));
    assertEquals(read, { hostname: canonical!, port: 40_000 });
  }
});

Deno.test("unixAddress() refuses a path that the kernel would cut off", () => {
  assertEquals(unixAddress("/a").toHex(), "01002f6100");
  assertEquals(unixAddress("/" + "x".repeat(106)).length, 110);
  for (const path of ["/" + "x".repeat(107), "", "/a\0b", "/" + "é".repeat(60)]) {
    assertThrows(() => unixAddress(path), TypeError, "the path of a socket");
  }
});

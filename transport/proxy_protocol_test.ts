import { assertEquals, assertRejects } from "@std/assert";
import { concat } from "@std/bytes";
import { ProxyProtocolError, readProxyHeader } from "./proxy_protocol.ts";
import type { Transport } from "./transport.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const encoder = new TextEncoder();

/** A pipe that gives bytes, at most so many at once, and then ends. */
class GivingPipe implements Transport {
  left: Uint8Array;
  readonly #atOnce: number;

  constructor(bytes: Uint8Array, atOnce = Infinity) {
    this.left = bytes;
    this.#atOnce = atOnce;
  }

  read(target: Uint8Array): Promise<number | null> {
    const count = Math.min(target.length, this.left.length, this.#atOnce);
    target.set(this.left.subarray(0, count));
    this.left = this.left.subarray(count);
    return Promise.resolve(count === 0 ? null : count);
  }

  write(source: Uint8Array): Promise<number> {
    return Promise.resolve(source.length);
  }

  close(): void {}
}

function hex(digits: string): Uint8Array {
  return Uint8Array.fromHex(digits.replaceAll(" ", ""));
}

function tlv(type: number, value: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(type, value.length >> 8, value.length & 0xff), value]);
}

function v2(command: number, family: number, ...rest: Uint8Array[]): Uint8Array {
  const body = concat(rest);
  const start = Uint8Array.of(command, family, body.length >> 8, body.length & 0xff);
  return concat([hex(SIGNATURE), start, body]);
}

const IPV4 = hex("c0a80001 c0a8000b 6e40 075b");
const MESSAGE = encoder.encode("what follows");
const NONE = { address: null, commonName: null, serverName: null };

const good: [what: string, header: Uint8Array, expected: Partial<typeof NONE>][] = [];

function takes(what: string, header: string | Uint8Array, expected: Record<string, string | null>) {
  const bytes = typeof header === "string" ? encoder.encode(header) : header;
  good.push([what, bytes, { ...NONE, ...expected } as typeof NONE]);
}

takes("version 1, IPv4", "PROXY TCP4 192.0.2.1 198.51.100.1 65535 443\r\n", {
  address: "192.0.2.1:65535",
});
takes("version 1, IPv6", "PROXY TCP6 2001:db8::1 ::1 1 2\r\n", { address: "[2001:db8::1]:1" });
takes("version 1, unknown", "PROXY UNKNOWN\r\n", {});
takes("version 1, unknown, with more", "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", {});
takes("version 2, IPv4", v2(0x21, 0x11, IPV4), { address: "192.168.0.1:28224" });
const ipv6 = (digits: string) => v2(0x21, 0x21, hex(digits + "00".repeat(16) + "0050 075b"));
takes("version 2, IPv6", ipv6("20010db8 00000000 00000000 00000001"), {
  address: "[2001:db8::1]:80",
});
takes("version 2, an IPv6 that ends in zeros", ipv6("20010db8 00000000 00000000 00000000"), {
  address: "[2001:db8::]:80",
});
takes("version 2, an IPv6 that begins with them", ipv6("00000000 00000000 00000000 00000001"), {
  address: "[::1]:80",
});
takes("version 2, an IPv6 of zeros", ipv6("00".repeat(16)), { address: "[::]:80" });
takes("version 2, an IPv6 without them", ipv6("00010002 00030004 00050006 00070008"), {
  address: "[1:2:3:4:5:6:7:8]:80",
});
takes(
  "version 2, an IPv6 with a run of zeros after ten",
  ipv6("00100000 00000001 00000000 00000002"),
  {
    address: "[10:0:0:1::2]:80",
  },
);
const path = new Uint8Array(216);
path.set(encoder.encode("/run/client"));
takes("version 2, unix", v2(0x21, 0x31, path), { address: "unix:/run/client" });
takes("version 2, local", v2(0x20, 0x00), {});
takes("version 2, local, with what is to be skipped", v2(0x20, 0x11, IPV4), {});
takes("version 2, a family that is not known", v2(0x21, 0x00, hex("0102")), {});
const name = tlv(0x22, encoder.encode("pump 7"));
const tls = (client: number, verify: string) => concat([Uint8Array.of(client), hex(verify), name]);
takes(
  "version 2, what is told about TLS, and more",
  v2(0x21, 0x11, IPV4, tlv(0xee, hex("00")), tlv(0x20, tls(7, "00000000")), tlv(4, hex("0000"))),
  { address: "192.168.0.1:28224", commonName: "pump 7" },
);
takes(
  "version 2, a certificate that was not verified",
  v2(0x21, 0x11, IPV4, tlv(0x20, tls(7, "00000001"))),
  {
    address: "192.168.0.1:28224",
  },
);
takes("version 2, TLS without a certificate", v2(0x21, 0x11, IPV4, tlv(0x20, tls(1, "00000000"))), {
  address: "192.168.0.1:28224",
});
takes(
  "version 2, the name of the server",
  v2(0x21, 0x11, IPV4, tlv(2, encoder.encode("a.example"))),
  {
    address: "192.168.0.1:28224",
    serverName: "a.example",
  },
);

for (const [what, header, expected] of good) {
  Deno.test(`readProxyHeader() takes ${what}, and leaves what follows`, async () => {
    for (const atOnce of [1, 7, Infinity]) {
      const pipe = new GivingPipe(concat([header, MESSAGE]), atOnce);
      assertEquals(await readProxyHeader(pipe), expected as typeof NONE);
      assertEquals(pipe.left, MESSAGE);
    }
    for (let length = 0; length < header.length; length++) {
      const pipe = new GivingPipe(header.subarray(0, length));
      await assertRejects(() => readProxyHeader(pipe), ProxyProtocolError, "ended");
    }
  });
}

const bad: [what: string, header: string | Uint8Array, words: string][] = [
  ["MQTT", hex("100d00044d51545404020000000161"), "does not begin with a PROXY header"],
  ["HTTP", "GET / HTTP/1.1\r\n", "does not begin with a PROXY header"],
  ["a line that is too long", `PROXY TCP4 ${"1".repeat(200)}`, "longer than 107 bytes"],
  ["a line without CR", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", "no CR"],
  ["an address that is none", "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "makes no sense"],
  ["an address of another family", "PROXY TCP4 ::1 ::1 1 2\r\n", "makes no sense"],
  ["a port that is too large", "PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "makes no sense"],
  ["a port with a zero in front", "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "makes no sense"],
  ["one word too many", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "makes no sense"],
  ["another family", "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", "makes no sense"],
  ["another version", v2(0x31, 0x11, IPV4), "version 3"],
  ["another command", v2(0x22, 0x11, IPV4), "command 2"],
  ["addresses that are too short", v2(0x21, 0x21, IPV4), "too short"],
  ["a value that is cut off", v2(0x21, 0x11, IPV4, hex("ee0002 01")), "within a value"],
  ["a value without its length", v2(0x21, 0x11, IPV4, hex("ee00")), "within a value"],
  ["a name that is not UTF-8", v2(0x21, 0x11, IPV4, tlv(2, hex("ff"))), "not UTF-8"],
  ["more than is ever needed", v2(0x21, 0x11, IPV4, tlv(4, new Uint8Array(4096))), "at most 4096"],
];
for (const [what, header, words] of bad) {
  Deno.test(`readProxyHeader() refuses ${what}`, async () => {
    const bytes = typeof header === "string" ? encoder.encode(header) : header;
    await assertRejects(() => readProxyHeader(new GivingPipe(bytes)), ProxyProtocolError, words);
  });
}

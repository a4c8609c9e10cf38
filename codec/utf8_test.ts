import { assertEquals, assertThrows } from "@std/assert";
import { decodeUtf8, MalformedPacketError, utf8Size, validateUtf8, writeUtf8 } from "./mod.ts";
import { Random } from "./testdata/random.ts";

const encoder = new TextEncoder();

Deno.test("utf8Size(), writeUtf8() and decodeUtf8() agree on every character", () => {
  const target = new Uint8Array(4);
  for (let point = 1; point <= 0x10ffff; point += point < 0x3000 ? 1 : 97) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    const text = String.fromCodePoint(point);
    const end = writeUtf8(text, target, 0);
    assertEquals(utf8Size(text), end);
    if (decodeUtf8(target, 0, end) !== text) throw new Error(`U+${point.toString(16)}`);
  }
});

Deno.test("validateUtf8() agrees with a fatal TextDecoder on every sequence of two bytes", () => {
  const reference = new TextDecoder("utf-8", { fatal: true });
  const bytes = new Uint8Array(2);
  for (let pair = 0; pair < 0x10000; pair++) {
    bytes[0] = pair >> 8;
    bytes[1] = pair;
    assertValid(reference, bytes);
  }
});

Deno.test("validateUtf8() agrees with a fatal TextDecoder on random sequences", () => {
  const reference = new TextDecoder("utf-8", { fatal: true });
  const seed = Date.now() >>> 0;
  const random = new Random(seed);
  const leads = [0x41, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf4, 0xf5];
  const edges = [0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];
  for (let count = 0; count < 50_000; count++) {
    const bytes = Uint8Array.from(
      { length: random.below(12) },
      () => random.once(3) ? random.pick(leads) : random.pick(edges),
    );
    assertValid(reference, bytes, `seed ${seed}`);
  }
});

function assertValid(reference: TextDecoder, bytes: Uint8Array, note = ""): void {
  let expected = !bytes.includes(0);
  try {
    reference.decode(bytes);
  } catch {
    expected = false; // How the reference says "ill-formed".
  }
  if ((validateUtf8(bytes, 0, bytes.length) === -1) !== expected) {
    throw new Error(`Wrong about ${bytes} ${note}`);
  }
}

Deno.test("validateUtf8() tells the first bad byte and looks at no other", () => {
  const text = encoder.encode("äbcdefgh\u0000");
  assertEquals(validateUtf8(text, 0, text.length), 9);
  assertEquals(validateUtf8(text, 0, 9), -1);
  assertEquals(validateUtf8(text, 1, 9), 1);
  // The character is complete in memory, but not in the range.
  assertEquals(validateUtf8(text, 0, 1), 0);
});

Deno.test("decodeUtf8() keeps a leading U+FEFF [MQTT-1.5.4-3]", () => {
  const bytes = encoder.encode("\uFEFFa");
  assertEquals(decodeUtf8(bytes, 0, bytes.length), "\uFEFFa");
});

Deno.test("decodeUtf8() takes strings of every length", () => {
  const long = "abcdefghijklmnopqrstuvwxyz0123456789/+#$ ABCDEFGHIJKLMNOPQRSTUVWXYZ".repeat(2);
  for (const tail of ["", "é"]) {
    for (let size = 0; size < long.length; size++) {
      const text = long.slice(0, size) + tail;
      const bytes = encoder.encode(`x${text}x`);
      assertEquals(decodeUtf8(bytes, 1, bytes.length - 1), text);
    }
  }
});

Deno.test("decodeUtf8() counts error offsets from the origin", () => {
  const bytes = encoder.encode("abcd\u0000");
  const error = assertThrows(() => decodeUtf8(bytes, 2, 5, 1), MalformedPacketError);
  assertEquals(error.offset, 3);
  assertEquals(error.clause, "MQTT-1.5.4-2");
});

Deno.test("utf8Size() rejects what MQTT cannot carry [MQTT-1.5.4-1] [MQTT-1.5.4-2]", () => {
  for (const text of ["a\0", "\ud800", "\udc00", "\udc00\ud800", "\ud800a"]) {
    assertThrows(() => utf8Size(text), TypeError);
  }
});

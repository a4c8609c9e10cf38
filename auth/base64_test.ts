import { assertEquals } from "@std/assert";
import { fromBase64, toBase64 } from "./base64.ts";

Deno.test("Base64 of any bytes is what the runtime's own makes of them", () => {
  for (let length = 0; length < 300; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => index * 37 + length);
    const text = toBase64(bytes);
    assertEquals(text, bytes.toBase64());
    assertEquals(fromBase64(text), bytes);
  }
});

Deno.test("Base64 that is not exactly right is read as null", () => {
  for (
    const text of ["A", "AA", "AA=", "AB==", "AAA", "AAB=", "AA==AA==", "A A=", "-_==", "=", "é"]
  ) {
    assertEquals(fromBase64(text), null, text);
  }
});

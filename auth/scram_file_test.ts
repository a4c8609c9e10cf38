import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { formatScramLine, ScramFile } from "./scram_file.ts";
import { scramCredential } from "./scram_keys.ts";

/** Runs a test with the path of a file that is gone afterwards. */
async function withFile(test: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}

const ann = await scramCredential("secret");
const bob = await scramCredential("hidden", { iterations: 5000 });

Deno.test("ScramFile finds who is in the file, under any name", () =>
  withFile(async (path) => {
    const names = ["ann", "b:o:b", "x:SCRAM-SHA-256$y", "65536", "__proto__", "gr\u00fcn"];
    const lines = names.map((name) => formatScramLine(name, ann));
    await Deno.writeTextFile(path, `# users\n\n${lines.join("\r\n")}\n`);
    const file = await ScramFile.open(path);
    assertEquals(file.size, names.length);
    for (const name of names) assertEquals(file.find(name), ann, name);
    for (const name of ["Ann", "", "toString", "b"]) assertEquals(file.find(name), null);
  }));

Deno.test("ScramFile tells what most credentials look like", () =>
  withFile(async (path) => {
    await Deno.writeTextFile(path, "");
    const file = await ScramFile.open(path);
    assertEquals(file.typical, { iterations: 4096, saltBytes: 16 });
    const lines = ["a", "b", "c"].map((name, n) => formatScramLine(name, n === 0 ? ann : bob));
    await Deno.writeTextFile(path, lines.join("\n"));
    await file.reload();
    assertEquals(file.typical, { iterations: 5000, saltBytes: 16 });
  }));

Deno.test("ScramFile tells which line is wrong, and keeps what it had", () =>
  withFile(async (path) => {
    const good = formatScramLine("ann", ann);
    const bobs = formatScramLine("bob", ann);
    await Deno.writeTextFile(path, good);
    const file = await ScramFile.open(path);
    const faulty: [line: string, fault: string][] = [
      ["bob:secret", 'not "user:SCRAM-SHA-256$…"'],
      [good.replace("ann", ""), 'not "user:SCRAM-SHA-256$…"'],
      [good.replace("ann", "a\u0007"), "control character"],
      [bobs.replace("$4096", "$4095"), "4095 iterations, of at least 4096"],
      [bobs.replace("$4096", "$99999999999"), "of at most"],
      [bobs.replace("$4096", "$x"), 'not "iterations:salt$StoredKey:ServerKey"'],
      [bobs.replace(/:[^:]*$/, ":AAAA"), "a key does not have 32 bytes"],
      [bobs.replace(/:[^:]*$/, ":?"), "in base 64"],
      [bobs.replace(/:[^:$]*\$([^$]*)$/, ":$$$1"), "the salt is empty"],
      [good, 'a second "ann"'],
    ];
    for (const [line, fault] of faulty) {
      await Deno.writeTextFile(path, `${good}\n${line}\n`);
      const error = await assertRejects(() => file.reload(), SyntaxError, fault);
      assertEquals(error.message.startsWith(`${path}:2: `), true, error.message);
      assertEquals(error.message.includes(good), false, "shows the credential");
      assertEquals(file.size, 1);
    }
    await assertRejects(() => ScramFile.open(`${path}.none`), Deno.errors.NotFound);
  }));

Deno.test("formatScramLine() refuses a name that could not be read back", () => {
  for (const name of ["", "#ann", "a\nb", "a\u0000"]) {
    assertThrows(() => formatScramLine(name, ann), TypeError, "Cannot write user");
  }
});

import { assertEquals, assertRejects } from "@std/assert";
import type { FileFaultError } from "../auth/file_errors.ts";
import { formatPasswordHash, type PasswordHash } from "../auth/password_hash.ts";
import { deleteUser, hashAll, setUser, writeLines } from "./password_lines.ts";

const HASH: PasswordHash = {
  scheme: "sha512-pbkdf2",
  iterations: 7,
  salt: new Uint8Array(3),
  hash: new Uint8Array(64),
};
const TEXT = formatPasswordHash(HASH);

Deno.test("setUser() and deleteUser() leave comments and everybody else alone", () => {
  const lines = ["# users", "", "ann:1", "bob:2", " ann:3", "annie:4", "#ann:5"];
  assertEquals(setUser(lines, "ann", HASH), [
    "# users",
    "",
    `ann:${TEXT}`,
    "bob:2",
    "annie:4",
    "#ann:5",
  ]);
  assertEquals(setUser(lines, "eve", HASH), [...lines, `eve:${TEXT}`]);
  assertEquals(deleteUser(lines, "ann"), ["# users", "", "bob:2", "annie:4", "#ann:5"]);
  assertEquals(deleteUser(lines, "an"), lines);
});

Deno.test("hashAll() hashes what is not hashed, colons in passwords included", async () => {
  const hashed: string[] = [];
  const hash = (password: string) => {
    hashed.push(password);
    return Promise.resolve(HASH);
  };
  const lines = ["# x:y", "ann:a:b", `bob:${TEXT}`, "", "eve: spaced "];
  assertEquals(await hashAll(lines, "f", hash), {
    lines: ["# x:y", `ann:${TEXT}`, `bob:${TEXT}`, "", `eve:${TEXT}`],
    hashed: 2,
  });
  assertEquals(hashed, ["a:b", " spaced "]);
  const error = await assertRejects(() => hashAll(["ann:a", "x", ":y", "z:"], "f", hash));
  assertEquals((error as FileFaultError).faults.map(({ line }) => line), [2, 3, 4]);
});

Deno.test("writeLines() replaces a file whole, and leaves nothing else behind", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/passwords`;
    await writeLines(path, ["a:1"]);
    const modeOf = async () => ((await Deno.stat(path)).mode ?? 0) & 0o777;
    assertEquals([await Deno.readTextFile(path), await modeOf()], ["a:1\n", 0o600]);
    await Deno.chmod(path, 0o640);
    using old = await Deno.open(path);
    await writeLines(path, ["a:2", "b:3"]);
    assertEquals([await Deno.readTextFile(path), await modeOf()], ["a:2\nb:3\n", 0o640]);
    const before = await new Response(old.readable).text();
    assertEquals(before, "a:1\n", "Whoever has it open reads what was there");
    await Deno.symlink(path, `${folder}/link`);
    await writeLines(`${folder}/link`, []);
    assertEquals((await Deno.lstat(`${folder}/link`)).isSymlink, true);
    assertEquals(await Deno.readTextFile(path), "");
    await assertRejects(() => writeLines(`${folder}/none/passwords`, []), Deno.errors.NotFound);
    const left = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assertEquals(left.sort(), ["link", "passwords"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

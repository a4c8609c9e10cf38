import { assertEquals } from "@std/assert";
import { suggest } from "./suggest.ts";

const WORDS = ["listener", "max_qos", "password_file", "persistence", "user"];

for (
  const [word, meant] of [
    ["listner", "listener"],
    ["lsitener", "listener"],
    ["Listener", "listener"],
    ["passwordfile", "password_file"],
    ["persistance", "persistence"],
    ["max_qso", "max_qos"],
    ["uesr", "user"],
    ["zzz", null],
    ["us", null],
    ["max_connections", null],
    ["", null],
  ] as const
) {
  Deno.test(`suggest() takes "${word}" for ${meant}`, () => {
    assertEquals(suggest(word, WORDS), meant);
  });
}

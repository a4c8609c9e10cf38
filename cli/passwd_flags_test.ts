import { assertEquals, assertThrows } from "@std/assert";
import { parsePasswdArgs } from "./passwd_flags.ts";
import { FlagError } from "./flag_error.ts";

const USUAL = { scheme: "sha512-pbkdf2", iterations: 101 } as const;

Deno.test("parsePasswdArgs() takes the flags of mosquitto_passwd", () => {
  const set = { kind: "set", file: "f", username: "ann", password: null, isNew: false, ...USUAL };
  const orders: [string, unknown][] = [
    ["f ann", set],
    ["-c f ann", { ...set, isNew: true }],
    ["-b f ann pw", { ...set, password: "pw" }],
    ["-c -b f ann -pw", { ...set, isNew: true, password: "-pw" }],
    ["-D f ann", { kind: "delete", file: "f", username: "ann", ...USUAL }],
    ["-U f", { kind: "hash-all", file: "f", ...USUAL }],
    ["-H sha512 f ann", { ...set, scheme: "sha512", iterations: 1 }],
    ["-H sha512-pbkdf2 -I 5000 f ann", { ...set, iterations: 5000 }],
    ["--help", null],
  ];
  for (const [line, order] of orders) assertEquals(parsePasswdArgs(line.split(" ")), order, line);
});

Deno.test("parsePasswdArgs() says what is wrong", () => {
  const faults: [string[], string][] = [
    [[], "FILE is missing"],
    [["f"], "USER is missing"],
    [["-b", "f", "ann"], "PASSWORD is missing"],
    [["f", "ann", "pw"], 'One word too many: "pw" (a password takes -b)'],
    [["-D", "f", "ann", "pw"], 'One word too many: "pw"'],
    [["-U", "f", "ann"], 'One word too many: "ann"'],
    [["-c", "-D", "f", "ann"], "-c and -D exclude each other"],
    [["-c", "-U", "f"], "-c and -U exclude each other"],
    [["-b", "-D", "f", "ann"], "-b and -D exclude each other"],
    [["-x", "f", "ann"], "Unknown argument: -x"],
    [["-H", "md5", "f", "ann"], '-H needs sha512-pbkdf2 or sha512, not "md5"'],
    [["-H"], '-H needs sha512-pbkdf2 or sha512, not ""'],
    [["-I", "0", "f", "ann"], '-I needs a whole number from 1 to 100000000, not "0"'],
    [["-I"], "-I needs a value: NUMBER"],
    [["-H", "sha512", "-I", "9", "f", "a"], "-I is for sha512-pbkdf2: sha512 has no rounds"],
    [["f", "a:b"], 'USER must not have ":" in it'],
    [["f", "a\nb"], 'USER must not have "\\n" in it'],
    [["f", ""], "USER is empty"],
    [["f", "#ann"], "USER must not begin with #, nor begin or end with a space"],
    [["f", "ann "], "USER must not begin with #, nor begin or end with a space"],
  ];
  for (const [args, message] of faults) {
    assertEquals(assertThrows(() => parsePasswdArgs(args), FlagError).message, message);
  }
});

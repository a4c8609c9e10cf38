import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ReasonCode } from "../codec/mod.ts";
import { FileFaultError } from "./file_errors.ts";
import { PasswordFile } from "./password_file.ts";
import { formatPasswordHash, hashPassword, type PasswordScheme } from "./password_hash.ts";
import { client, request } from "./testdata/requests.ts";

const { Success, BadUserNameOrPassword, ServerBusy } = ReasonCode;

/** Written by mosquitto_passwd 2.0.11, all for the password `secret`. */
const BY_MOSQUITTO = `
alice:$7$101$WerK2TAeKuUz7PLO$koY0ODSz1Hj1Xw+Nyqli4AEfpNxRj8ixyA+wO338mzqam50P6+W3eLoL0JCIRQLfvlMTcEK78ydzybd66tBmvg==
# a comment
  bob:$6$5Aj5GAveXDXfhkI3$A0mvpqo1zad6XqlQvIlkTZHEQhgPJPWPvSLhYIB+wGfCIjz3F4PTV7ApkNKEbmRK6xaHuJKFy5wexyD9xfprTQ==
eve:$7$5000$l1AyyNzZQLiOoD42$5z91DsI0Fxv9zFqOS5Ldt7F5VMWqi+Acw0J6ECT17KLQRRjajJXueXqsdhP7gOpPTlZssUhUC0tyVtlkeNOCGw==
`;

async function line(
  username: string,
  password: string,
  scheme: PasswordScheme = "sha512-pbkdf2",
  iterations = 101,
): Promise<string> {
  const hash = await hashPassword(new TextEncoder().encode(password), scheme, iterations);
  return `${username}:${formatPasswordHash(hash)}\n`;
}

async function login(
  file: PasswordFile,
  username: string | null,
  password: string | null,
): Promise<number> {
  return (await file.authenticate(request({ username, password }))).reasonCode;
}

Deno.test("PasswordFile verifies what mosquitto_passwd has written", async () => {
  const file = PasswordFile.parse(BY_MOSQUITTO);
  assertEquals(file.size, 3);
  for (const username of ["alice", "bob", "eve"]) {
    assertEquals(await login(file, username, "secret"), Success, username);
    for (const wrong of ["", "Secret", "secret ", "secre"]) {
      assertEquals(await login(file, username, wrong), BadUserNameOrPassword, username);
    }
  }
});

Deno.test("PasswordFile refuses strangers, and who gives no name or no password", async () => {
  const file = PasswordFile.parse(BY_MOSQUITTO);
  for (
    const [username, password] of [
      ["mallory", "secret"],
      ["", "secret"],
      ["alice", null],
      [null, "secret"],
      [null, null],
      ["__proto__", "secret"],
      ["Alice", "secret"],
    ] as const
  ) assertEquals(await login(file, username, password), BadUserNameOrPassword, `${username}`);
  assertEquals(await login(PasswordFile.parse(""), "alice", "secret"), BadUserNameOrPassword);
  assertEquals(await login(PasswordFile.parse(""), "alice", ""), BadUserNameOrPassword);
});

Deno.test("PasswordFile spends as much on a stranger as on a user, again and again", async () => {
  const file = PasswordFile.parse(BY_MOSQUITTO);
  const { subtle } = crypto;
  const spent: number[] = [];
  const deriveBits = subtle.deriveBits;
  const digest = subtle.digest;
  const restore = () => Object.assign(subtle, { deriveBits, digest });
  Object.assign(subtle, {
    deriveBits: (how: { iterations: number }, ...rest: unknown[]) => {
      spent.push(how.iterations);
      return Reflect.apply(deriveBits, subtle, [how, ...rest]);
    },
    digest: (...args: unknown[]) => {
      spent.push(1);
      return Reflect.apply(digest, subtle, args);
    },
  });
  try {
    for (let n = 0; n < 60; n++) {
      await login(file, `stranger ${n}`, "secret");
      await login(file, `stranger ${n}`, "other");
    }
  } finally {
    restore();
  }
  assertEquals(spent.length, 120);
  for (let n = 0; n < 120; n += 2) assertEquals(spent[n], spent[n + 1], "the same each time");
  assertEquals([...new Set(spent)].sort(), [1, 101, 5000], "like some user");
});

Deno.test("PasswordFile checks few at once, and refuses as busy when too many wait", async () => {
  const file = PasswordFile.parse(await line("ann", "a"), "p", { checksMax: 1, waitingMax: 3 });
  const codes = Array.from({ length: 6 }, () => login(file, "ann", "a"));
  assertEquals(file.waiting, 3);
  assertEquals(await Promise.all(codes), [
    Success,
    Success,
    Success,
    Success,
    ServerBusy,
    ServerBusy,
  ]);
  assertEquals([file.busy, file.waiting], [2, 0]);
  assertEquals(await login(file, "ann", "a"), Success);
});

Deno.test("PasswordFile leaves the event loop free while it checks", async () => {
  const file = PasswordFile.parse(await line("ann", "a", "sha512-pbkdf2", 100_000));
  let isDone = false;
  const logins = [login(file, "ann", "a"), login(file, "ann", "b")];
  const done = Promise.all(logins).finally(() => isDone = true);
  let turns = 0;
  for (; !isDone; turns++) await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(await done, [Success, BadUserNameOrPassword]);
  // In its way it would leave two or three.
  assert(turns > 5, `${turns} turns`);
});

Deno.test("PasswordFile: of several lines of a user the last counts, as in mosquitto", async () => {
  const file = PasswordFile.parse(await line("ann", "old") + await line("ann", "new", "sha512"));
  assertEquals(file.size, 1);
  assertEquals(await login(file, "ann", "old"), BadUserNameOrPassword);
  assertEquals(await login(file, "ann", "new"), Success);
});

Deno.test("PasswordFile names each faulty line, and no password", () => {
  const hash = "A".repeat(86) + "==";
  const text = [
    "nocolon",
    `:$6$AAAA$${hash}`,
    "u1:s3cret",
    "u2:$5$AAAA$BBBB",
    "u3:$6$AAAA",
    `u4:$7$0$AAAA$${hash}`,
    `u5:$7$1e3$AAAA$${hash}`,
    `u6:$6$A!$${hash}`,
    "u7:$6$AAAA$BBBB",
    `u8:$6$AAAA$${hash}`,
    "u9:",
    `u10:$7$999999999$AAAA$${hash}`,
    `u11:$6$$${hash}`,
  ];
  const error = assertThrows(() => PasswordFile.parse(text.join("\n"), "pw"), FileFaultError);
  assertEquals(error.message.split("\n"), [
    "pw:1: there is no colon: expected USER:HASH",
    "pw:2: the user name is missing before the colon",
    'pw:3: user "u1": the password is not hashed: hash the file with `deno task passwd -U FILE`',
    'pw:4: user "u2": unknown hash "$5$": expected $6$ or $7$',
    'pw:5: user "u3": the hash is not of the form $6$SALT$HASH',
    'pw:6: user "u4": the number of iterations is not a whole number from 1 to 100000000',
    'pw:7: user "u5": the number of iterations is not a whole number from 1 to 100000000',
    'pw:8: user "u6": the salt is not base 64',
    'pw:9: user "u7": the hash is not base 64 of 64 bytes',
    'pw:11: user "u9": the password is not hashed: hash the file with `deno task passwd -U FILE`',
    'pw:12: user "u10": the number of iterations is not a whole number from 1 to 100000000',
    'pw:13: user "u11": the salt is not base 64',
  ]);
});

Deno.test("PasswordFile.reload() takes the new users, or none of them", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, await line("ann", "a"));
    const file = await PasswordFile.open(path);
    await Deno.writeTextFile(path, `${await line("bob", "b")}nonsense`);
    const error = await assertRejects(() => file.reload(), FileFaultError);
    assertEquals(error.message, `${path}:2: there is no colon: expected USER:HASH`);
    assertEquals(await login(file, "ann", "a"), Success);
    assert(file.mayStay({ ...client, username: "ann" }));
    await Deno.writeTextFile(path, await line("bob", "b"));
    await file.reload();
    assertEquals(await login(file, "ann", "a"), BadUserNameOrPassword);
    assertEquals(await login(file, "bob", "b"), Success);
    const stay = (username: string | null) => file.mayStay({ ...client, username });
    assertEquals([stay("ann"), stay("bob"), stay(null)], [false, true, true]);
    await Deno.remove(path);
    await assertRejects(() => file.reload(), Deno.errors.NotFound);
    assertEquals(await login(file, "bob", "b"), Success);
  } finally {
    await Deno.remove(path).catch(() => {});
  }
});

import { assertEquals } from "@std/assert";
import { ReasonCode } from "../codec/mod.ts";
import type { Authenticator, Decision } from "./authenticator.ts";
import { allowAnonymous, denyAnonymous, staticUsers } from "./static_users.ts";
import { client, request } from "./testdata/requests.ts";

const { Success, BadUserNameOrPassword, NotAuthorized } = ReasonCode;

Deno.test("staticUsers() lets in who is named with the password given, and nobody else", () => {
  const users = staticUsers({ ann: "secret", bob: "", "": "empty" });
  const codeOf = (username: string | null, password: string | null) =>
    (users.authenticate(request({ username, password })) as Decision).reasonCode;
  assertEquals(codeOf("ann", "secret"), Success);
  assertEquals(codeOf("bob", ""), Success);
  assertEquals(codeOf("", "empty"), Success);
  const strangers = [
    ["ann", "Secret"],
    ["ann", ""],
    ["ann", null],
    ["bob", null],
    ["carl", "secret"],
    ["__proto__", ""],
    ["toString", ""],
    [null, "empty"],
    [null, null],
  ] as const;
  for (const [username, password] of strangers) {
    assertEquals(codeOf(username, password), BadUserNameOrPassword, `${username} ${password}`);
  }
});

Deno.test("who has an account may stay, and so on", () => {
  const stay = (authenticator: Authenticator) =>
    ["ann", "bob", null].map((username) => authenticator.mayStay!({ ...client, username }));
  assertEquals(stay(staticUsers({ ann: "a" })), [true, false, false]);
  assertEquals(stay(allowAnonymous), [false, false, true]);
  assertEquals(stay(denyAnonymous), [false, false, false]);
});

Deno.test("allowAnonymous lets in who claims to be nobody; denyAnonymous refuses them", () => {
  const codes = [
    request(),
    request({ username: "ann" }),
    request({ password: "secret" }),
    request({ username: "ann", password: "secret" }),
  ].map((asked) =>
    [allowAnonymous, denyAnonymous].map((one) => (one.authenticate(asked) as Decision).reasonCode)
  );
  assertEquals(codes, [
    [Success, NotAuthorized],
    [BadUserNameOrPassword, BadUserNameOrPassword],
    [BadUserNameOrPassword, NotAuthorized],
    [BadUserNameOrPassword, BadUserNameOrPassword],
  ]);
});

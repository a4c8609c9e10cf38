import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../config/errors/errors.ts";
import { parse } from "../config/testdata/conf.ts";
import { checkUser } from "./user_check.ts";

for (
  const [text, uid] of [
    ["", 0],
    ["user root", 0],
    ["user mosquitto", 1000],
    ["user mosquitto", null],
  ] as const
) {
  Deno.test(`checkUser() has nothing against "${text}" as user number ${uid}`, async () => {
    checkUser(await parse(text), uid);
  });
}

Deno.test("checkUser() does not go on as root for somebody else, and tells what to do", async () => {
  const configuration = await parse("\nuser mosquitto");
  const error = assertThrows(() => checkUser(configuration, 0), ConfigError);
  assertEquals(
    error.message,
    "main.conf:2: user: Fairway keeps the user that started it, which is root: start it as mosquitto, " +
      "with runuser -u mosquitto -- deno …, or User=mosquitto in its systemd unit",
  );
});

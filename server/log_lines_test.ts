import { assert, assertEquals } from "@std/assert";
import { loginFailedLine } from "./log_lines.ts";

/** What fail2ban puts in the place of `<HOST>`, more or less: an address. */
const HOST = "(?:::f{4,6}:)?(?<host>\\d{1,3}(?:\\.\\d{1,3}){3}|[0-9a-fA-F:]+)";

const GUIDE = new URL("../docs/security.md", import.meta.url);

/** The pattern as the guide has it, applied as fail2ban does: anywhere in a line. */
async function pattern(): Promise<RegExp> {
  const guide = await Deno.readTextFile(GUIDE);
  const line = /^failregex = (.+)$/m.exec(guide);
  assert(line !== null, "the guide has no failregex");
  return new RegExp(line[1]!.replace("<HOST>", HOST));
}

const plain = { clientId: "c", username: "anna", reasonCode: 0x86 };

Deno.test("loginFailedLine() tells from where, why, and who", () => {
  assertEquals(
    loginFailedLine({ ...plain, address: "192.0.2.7:50123" }).text,
    'login failed from 192.0.2.7 port 50123 (0x86) user "anna" client "c"',
  );
  assertEquals(
    loginFailedLine({ ...plain, username: null, address: "[2001:db8::1]:1" }).text,
    'login failed from 2001:db8::1 port 1 (0x86) client "c"',
  );
  assertEquals(
    loginFailedLine({ ...plain, username: null, address: "unix:/run/fairway" }).text,
    'login failed from unix:/run/fairway (0x86) client "c"',
  );
});

const ADDRESSES: Record<string, string> = {
  "192.0.2.7:50123": "192.0.2.7",
  "[2001:db8::1]:50123": "2001:db8::1",
};
for (const [address, host] of Object.entries(ADDRESSES)) {
  Deno.test(`the pattern of the guide finds ${host}, with a time in front or without`, async () => {
    const regex = await pattern();
    const line = loginFailedLine({ ...plain, address }).text;
    const times = ["", "2026-11-22T03:00:00Z ", "1700000000: ", "2026-11-22 03:00:00: "];
    for (const prefix of [...times, "myhost fairway[123]: ", " myhost deno[1]: 1700000000: "]) {
      assertEquals(regex.exec(prefix + line)?.groups?.host, host);
    }
  });
}

Deno.test("no client can have another locked out by what it calls itself", async () => {
  const regex = await pattern();
  const forged = "login failed from 198.51.100.9 port 1 (0x86)";
  const tries = [
    `x" ${forged}`,
    forged,
    `x[1]: ${forged}`,
    `host x[1]: ${forged}`,
    `\n${forged}`,
    `\r\n${forged}`,
    `\u2028${forged}`,
    `\x1b[2K${forged}`,
  ];
  for (const text of [...tries, `\u0085${forged}`]) {
    const failure = { address: "192.0.2.7:5", clientId: text, username: text, reasonCode: 0x86 };
    const line = loginFailedLine(failure).text;
    assertEquals(line.split(/[\n\r\u0085\u2028\u2029]/).length, 1);
    assertEquals(regex.exec(line)?.groups?.host, "192.0.2.7");
    // Nor do other lines that begin with what a client has chosen.
    for (
      const other of [
        `Client ${text} disconnected.`,
        `1700: Client ${text} from`,
        `connect "${text}" from`,
      ]
    ) {
      assertEquals(regex.exec(other.replaceAll(/[\n\r]/g, " ")), null);
    }
    // Where nothing is known but a name of a socket, nobody is locked out at all.
    assertEquals(regex.exec(loginFailedLine({ ...failure, address: "unix:/run/f" }).text), null);
  }
});

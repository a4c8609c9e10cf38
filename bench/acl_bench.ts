/**
 * The cost of a check against an ACL file, by its size: `deno bench bench/acl_bench.ts`.
 *
 * @module
 */
import { AclFile } from "../auth/acl_file.ts";
import type { ClientInfo } from "../auth/authenticator.ts";

const SIZES = [10, 1_000, 100_000];
/** Topics that are checked in turn, so that no answer is cached. */
const TOPICS = Array.from({ length: 1024 }, (_, n) => `site/${n % 100}/device/${n}/out`);

const client: ClientInfo = {
  clientId: "device-7",
  username: "user-7",
  address: "127.0.0.1:1",
  protocolVersion: 5,
};

/** Ten lines per user: literals, wildcards and a denial. */
function sections(lines: number): string {
  const text: string[] = [];
  for (let user = 0; text.length < lines; user++) {
    text.push(`user user-${user}`, `topic deny site/${user % 100}/device/${user}/secret`);
    for (let n = 0; n < 7; n++) text.push(`topic site/${n}/device/${user + n}/+`);
    text.push(`topic read site/${user % 100}/#`);
  }
  return text.join("\n");
}

/** One user with very many rules. */
function oneUser(lines: number): string {
  return `user user-7\n${
    Array.from({ length: lines }, (_, n) => `topic site/${n % 100}/device/${n}/out`).join("\n")
  }`;
}

/** Patterns for all users. */
function patterns(lines: number): string {
  return Array.from({ length: lines }, (_, n) => `pattern site/${n % 100}/device/${n}/%c`)
    .join("\n");
}

for (const [name, make] of Object.entries({ sections, oneUser, patterns })) {
  for (const lines of SIZES) {
    const acl = AclFile.parse(make(lines));
    let at = 0;
    Deno.bench(`${name}, ${lines} lines: may it receive`, {
      group: name,
      baseline: lines === SIZES[0],
    }, () => void acl.mayReceive(client, TOPICS[at++ & 1023]!));
  }
  const text = make(100_000);
  Deno.bench(`${name}: 100,000 lines read`, { n: 5 }, () => void AclFile.parse(text));
}

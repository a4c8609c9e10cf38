import { assertEquals, assertMatch } from "@std/assert";
import { type StartFacts, startLines } from "./start_lines.ts";

const FACTS: StartFacts = {
  version: "Fairway 1.2.3",
  hostname: "127.0.0.1",
  host: "127.0.0.1",
  port: 1883,
  wsPort: null,
  directory: null,
  forgotten: "sessions of clients that stay away are never forgotten",
  admin: null,
};

Deno.test("the first lines tell where, who, the state and the admin listener, in this order", () => {
  assertEquals(startLines(FACTS), [
    "Fairway 1.2.3 listening on 127.0.0.1:1883",
    "Who may connect: anyone on this machine, without a password; --host 0.0.0.0 opens it to the network",
    "State: in memory only; a restart forgets it",
    "Admin: none; --admin-port 9883 opens a page, health, metrics and the API",
  ]);
});

Deno.test("addresses of IPv6 are in brackets, also the one of WebSocket", () => {
  const [first, who] = startLines({ ...FACTS, hostname: "::", host: "::", wsPort: 8080 });
  assertEquals(
    first,
    "Fairway 1.2.3 listening on [::]:1883, MQTT over WebSocket on ws://[::]:8080",
  );
  assertMatch(who!, /anyone who can reach this address/);
});

Deno.test("the state is told with its whole path, and as it was given where that is unknown", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    const [, , known] = startLines({
      ...FACTS,
      directory: `${folder}/../${folder.split("/").at(-1)}`,
    });
    assertEquals(known, `State: in ${folder}; ${FACTS.forgotten}`);
    const [, , unknown] = startLines({ ...FACTS, directory: `${folder}/none` });
    assertEquals(unknown, `State: in ${folder}/none; ${FACTS.forgotten}`);
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("the token of the admin listener is told once, unless a file has tokens", () => {
  const url = "http://127.0.0.1:9883";
  const line = (token: string | null) => startLines({ ...FACTS, admin: { url, token } })[3];
  assertEquals(
    line("fairway_x"),
    `Admin: a page on ${url}/#token=fairway_x; ` +
      "health, metrics and the API take the same token, until the server stops",
  );
  assertEquals(line(null), `Admin: a page, health, metrics and the API on ${url}`);
});

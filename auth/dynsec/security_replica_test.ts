import { assertEquals } from "@std/assert";
import { ReasonCode } from "../../codec/mod.ts";
import { DynamicSecurity } from "./dynamic_security.ts";
import type { AffectedClients } from "./command.ts";
import type { AccountRow } from "./rows.ts";
import type { SecurityPeers } from "./security_peers.ts";
import { SecurityReplica } from "./security_replica.ts";
import { clientOf, mustSend, SecurityWorld, send } from "./testdata/security_world.ts";

/** An owner and a replica, each with a broker of its own. */
async function begin() {
  const events: string[] = [];
  const here = Object.assign(new SecurityWorld(), { peers: null as SecurityPeers | null });
  const owner = await DynamicSecurity.open(here);
  const there = Object.assign(new SecurityWorld(), {
    isOwnerUp: true,
    async execute(...[client, payload]: Parameters<SecurityReplica["handle"]>) {
      if (this.isOwnerUp) await owner.handle(client, payload);
      return this.isOwnerUp;
    },
  });
  const replica = new SecurityReplica(there);
  here.peers = {
    take(rows: readonly AccountRow[]) {
      events.push(`taken, ${here.published.length} answers before`);
      replica.take(rows);
      return Promise.resolve();
    },
    enforce: (affected: AffectedClients) => void replica.enforce(affected),
    clients: (username) => Promise.resolve(replica.clients(username)),
  };
  const copy = () =>
    owner.copy({
      begin: () => replica.beginCopy(),
      take: (rows) => replica.take(rows),
      end: () => void replica.endCopy(),
    });
  return { here, there, owner, replica, copy, events };
}

async function codeOf(replica: SecurityReplica, username: string): Promise<number> {
  const decision = await replica.authenticator.authenticate({
    ...clientOf(username),
    password: new TextEncoder().encode("pw"),
    userProperties: [],
  });
  return decision.reasonCode;
}

const createAda = { command: "createClient", username: "ada", password: "pw" };

Deno.test("a change is in effect at a replica before it is answered", async () => {
  const { here, owner, replica, events } = await begin();
  await mustSend(here, owner, createAda);
  assertEquals(events, ["taken, 0 answers before"]);
  assertEquals(await codeOf(replica, "ada"), ReasonCode.Success);
  await mustSend(here, owner, { command: "deleteClient", username: "ada" });
  assertEquals(await codeOf(replica, "ada"), ReasonCode.BadUserNameOrPassword);
});

Deno.test("a change that cannot be stored does not reach a replica", async () => {
  const { here, owner, replica, events } = await begin();
  here.store.fault = new Error("full");
  await send(here, owner, createAda);
  assertEquals(events, []);
  assertEquals(await codeOf(replica, "ada"), ReasonCode.BadUserNameOrPassword);
});

Deno.test("a change disconnects the clients of a replica, and shows their addresses", async () => {
  const { here, there, owner } = await begin();
  await mustSend(here, owner, createAda);
  here.connected = [clientOf("ada", "one")];
  there.connected = [clientOf("ada", "two"), clientOf("bob", "three"), clientOf(null, "four")];
  const { client } = await mustSend(here, owner, { command: "getClient", username: "ada" });
  assertEquals((client as { connections: unknown[] }).connections.length, 2);
  there.events.length = 0;
  await mustSend(here, owner, { command: "disableClient", username: "ada" });
  // Both apply it in a turn of their own.
  while (!there.events.includes("reauthorize")) await Promise.resolve();
  assertEquals(there.events, ["access changed", "disconnect two", "reauthorize"]);
});

Deno.test("a copy brings what is missing, and removes what is gone", async () => {
  const { here, owner, replica, copy } = await begin();
  await mustSend(here, owner, createAda);
  const { peers } = here;
  here.peers = null;
  await mustSend(
    here,
    owner,
    { command: "deleteClient", username: "ada" },
    ...Array.from({ length: 600 }, (_, i) => ({ ...createAda, username: `u${i}`, password: "" })),
    { ...createAda, username: "bob" },
  );
  here.peers = peers;
  assertEquals(await codeOf(replica, "ada"), ReasonCode.Success);
  await copy();
  assertEquals(await codeOf(replica, "ada"), ReasonCode.BadUserNameOrPassword);
  assertEquals(await codeOf(replica, "bob"), ReasonCode.Success);
});

Deno.test("commands at a replica go to the owner; while it is away they are answered with an error", async () => {
  const { here, there, replica } = await begin();
  const payload = () => new TextEncoder().encode(JSON.stringify({ commands: [createAda] }));
  await replica.handle(clientOf("admin"), payload());
  assertEquals(JSON.parse(here.published[0]!).responses, [{ command: "createClient" }]);
  assertEquals(await codeOf(replica, "ada"), ReasonCode.Success);
  there.isOwnerUp = false;
  await replica.handle(clientOf("admin"), payload());
  const [{ error }] = JSON.parse(there.published[0]!).responses;
  assertEquals(error, "The accounts cannot be changed now: try again later");
});

/** Dynamic security over MQTT: who may send commands, what survives, who is disconnected. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Client, connect } from "../../client/mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { within } from "../harness/deadline.ts";
import { FaultyStore } from "../harness/faulty_store.ts";
import { type Admin, CONTROL, RESPONSE, SecuritySite } from "../harness/security_site.ts";

const send = (topic: string) => ({ acltype: "publishClientSend", topic, allow: true });
const pattern = (topic: string) => ({ acltype: "subscribePattern", topic, allow: true });

/** An account `name` with the password "pw", and a role of its own with these ACLs. */
async function addUser(admin: Admin, name: string, ...acls: readonly object[]): Promise<void> {
  await admin.must(
    { command: "createRole", rolename: `${name}-role`, acls },
    {
      command: "createClient",
      username: name,
      password: "pw",
      roles: [{ rolename: `${name}-role` }],
    },
  );
}

/** The reason code with which a client is disconnected. */
async function farewell(client: Client): Promise<number | null> {
  const last = async () => {
    for await (const state of client.states()) if (state.kind === "closed") return state.error;
    return client.state.kind === "closed" ? client.state.error : null;
  };
  const error = await within("the end of a connection", last());
  return (error as { reasonCode?: number } | null)?.reasonCode ?? null;
}

/** The reason code of a PUBACK. */
async function pubackOf(client: Client, topic: string): Promise<number> {
  try {
    return (await client.publish(topic, "{}", { qos: 1 }))?.reasonCode ?? 0;
  } catch (error) {
    return (error as { reasonCode: number }).reasonCode;
  }
}

Deno.test("only whoever has the right may send commands, and nobody else sees them", async () => {
  await using site = await SecuritySite.start(null);
  await using admin = await site.admin();
  const receive = { acltype: "publishClientReceive", topic: `${CONTROL}/#`, allow: true };
  await addUser(admin, "ada", send("#"), pattern("#"), pattern(`${CONTROL}/#`), receive);
  await using ada = await site.connect("ada");
  const seen = ada.subscribe(`${CONTROL}/#`);
  await seen.ready;
  assertEquals(await pubackOf(ada, CONTROL), 0x87);
  for (const topic of [RESPONSE, "$CONTROL/other/v1", "$CONTROL/broker/v1", "$CONTROL"]) {
    assertEquals(await pubackOf(ada, topic), 0x87, topic);
    assertEquals(await pubackOf(admin.client, topic), 0x87, topic);
  }
  await admin.must({ command: "getDetails" });
  const { value: message } = await within("the answer", seen.next());
  assertEquals(message!.topic, RESPONSE, "it has seen the answer, and not the command");
});

Deno.test("without dynamic security nobody may publish below $CONTROL/", async () => {
  await using site = await SecuritySite.start(null);
  const { port } = await site.broker.listen({ port: 0 });
  await using client = await connect(`mqtt://127.0.0.1:${port}`);
  assertEquals(await pubackOf(client, CONTROL), 0x87);
});

Deno.test("an account logs in, and may do what its roles allow", async () => {
  await using site = await SecuritySite.start(null);
  await using admin = await site.admin();
  await addUser(admin, "ada", send("%u/#"), pattern("%u/#"), {
    acltype: "publishClientReceive",
    topic: "ada/secret",
    allow: false,
  });
  await using ada = await site.connect("ada");
  const seen = ada.subscribe("ada/#");
  await seen.ready;
  await assertRejects(() => ada.subscribe("#").ready);
  assertEquals(await pubackOf(ada, "other"), 0x87);
  await ada.publish("ada/secret", "hidden", { qos: 1 });
  await ada.publish("ada/open", "shown", { qos: 1 });
  const { value: message } = await within("a message", seen.next());
  assertEquals(message!.topic, "ada/open");
  await assertRejects(() => site.connect("ada", { password: "wrong" }));
  await assertRejects(() => site.connect("nobody"));
});

Deno.test("changes are there after a crash as soon as they are answered", async () => {
  const store = new MemoryStore();
  await using site = await SecuritySite.start(store);
  await using admin = await site.admin();
  await addUser(admin, "ada", send("a/#"));
  await admin.must({ command: "deleteRole", rolename: "ada-role" });
  const crashed = MemoryStore.from(store.snapshot("lost"));
  await using again = await SecuritySite.start(crashed);
  await using other = await again.admin();
  assertEquals(await other.must({ command: "listClients" }), {
    totalCount: 2,
    clients: ["ada", "admin"],
  });
  assertEquals(await other.must({ command: "listRoles" }), { totalCount: 1, roles: ["admin"] });
  await using ada = await again.connect("ada");
  assertEquals(await pubackOf(ada, "a/b"), 0x87, "its role is gone");
});

Deno.test("what the disk does not take is undone, and neither comes back later", async () => {
  const memory = new MemoryStore();
  {
    await using site = await SecuritySite.start(memory);
    assertEquals(site.security.counts.accounts, 1);
  }
  const error = () => new Error("broken disk");
  const faulty = new FaultyStore(MemoryStore.from(memory.snapshot()), {
    call: "commit",
    at: 1,
    error,
  });
  await using site = await SecuritySite.start(faulty);
  await using admin = await site.admin();
  const [answer] = await admin.send({ command: "createClient", username: "ada" });
  assertStringIncludes(answer!.error as string, "could not be stored");
  assertEquals(faulty.failures, 1);
  const list = await admin.must({ command: "createClient", username: "bob" }, {
    command: "listClients",
  });
  assertEquals(list.clients, ["admin", "bob"]);
});

Deno.test("a client whose account changes is disconnected, after the answer", async () => {
  await using site = await SecuritySite.start(null);
  await using admin = await site.admin();
  await addUser(admin, "ada", send("a/#"));
  await using ada = await site.connect("ada");
  await admin.must({ command: "disableClient", username: "ada" });
  assertEquals(await farewell(ada), 0x98);
  await assertRejects(() => site.connect("ada"));
  await admin.must({ command: "enableClient", username: "ada" });
  await using back = await site.connect("ada");
  await admin.must({ command: "deleteClient", username: "ada" });
  assertEquals(await farewell(back), 0x98);
  // The administrator itself: it gets its answer first.
  const [answer] = await admin.send({
    command: "setClientPassword",
    username: "admin",
    password: "new",
  });
  assertEquals(answer, { command: "setClientPassword" });
  assertEquals(await farewell(admin.client), 0x98);
});

Deno.test("a session that is away keeps only subscriptions that are still allowed", async () => {
  await using site = await SecuritySite.start(null);
  await using admin = await site.admin();
  await addUser(admin, "ada", pattern("a"), pattern("b"), send("#"));
  const lasting = { sessionExpirySeconds: 1000, cleanStart: false };
  const ada = await site.connect("ada", lasting);
  await ada.subscribe("a", { qos: 1 }).ready;
  await ada.subscribe("b", { qos: 1 }).ready;
  await ada.close();
  const acl = { rolename: "ada-role", acltype: "subscribePattern", topic: "a" };
  await admin.must({ command: "removeRoleACL", ...acl });
  await admin.must({ command: "getDetails" });
  const session = site.broker.inspection.session("ada");
  assertEquals([...session!.subscriptions()].map(({ filter }) => filter), ["b"]);
});

Deno.test("what a role forbids counts at once for what is delivered", async () => {
  await using site = await SecuritySite.start(null);
  await using admin = await site.admin();
  await addUser(admin, "ada", pattern("a"));
  await using ada = await site.connect("ada");
  const seen = ada.subscribe("a");
  await seen.ready;
  await site.broker.publish("a", "1");
  assert(!(await within("a message", seen.next())).done);
  const acls = [{ acltype: "subscribe", allow: true }, {
    acltype: "publishClientReceive",
    allow: false,
  }];
  await admin.must({ command: "setDefaultACLAccess", acls });
  const before = site.broker.stats.dropped["read-denied"];
  await site.broker.publish("a", "2");
  assertEquals(site.broker.stats.dropped["read-denied"], before + 1);
});

Deno.test("the commands of one client are done in order, and the next packet waits", async () => {
  await using site = await SecuritySite.start(new MemoryStore());
  await using admin = await site.admin();
  const names = Array.from({ length: 50 }, (_, at) => `user-${at}`);
  const sent = names.map((username) =>
    admin.client.publish(
      CONTROL,
      JSON.stringify({ commands: [{ command: "createClient", username, password: "x" }] }),
      { qos: 2 },
    )
  );
  await Promise.all(sent);
  for (const _ of names) assertEquals(await admin.read(), [{ command: "createClient" }]);
  const { totalCount } = await admin.must({ command: "listClients" });
  assertEquals(totalCount, names.length + 1);
});

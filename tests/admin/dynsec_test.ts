/** Dynamic security over HTTP. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type DynamicSecurity, openDynamicSecurity } from "../../admin/mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FaultyStore } from "../harness/faulty_store.ts";
import { AdminStage, statusOf } from "./_admin.ts";

const PATH = "/api/v1/dynsec";

/** An admin listener, with accounts that were opened for its broker. */
async function open(store: FaultyStore | MemoryStore | null = null, changes: string[] = []) {
  let security: DynamicSecurity | null = null;
  const stage = await AdminStage.open({ operations: { accounts: () => security } }, {}, store);
  security = await openDynamicSecurity(stage.broker, {
    changed: ({ command, by }) => changes.push(`${command} by ${by}`),
  });
  return stage;
}

Deno.test("an account is made, shown, changed and deleted", async () => {
  const changes: string[] = [];
  await using stage = await open(new MemoryStore(), changes);
  await stage.send("POST", `${PATH}/roles`, { rolename: "r" }).then((made) => made.body?.cancel());
  const made = await stage.send("POST", `${PATH}/clients`, {
    username: "ada/1",
    password: "lovelace",
    roles: [{ rolename: "r", priority: 3 }],
  });
  const { data } = await made.json();
  const shown = { username: "ada/1", roles: [{ rolename: "r", priority: 3 }], groups: [] };
  assertEquals([made.status, data], [201, shown]);
  const path = `${PATH}/clients/ada%2F1`;
  assertEquals((await stage.json(path)).data, shown);
  const changed = await stage.send("PATCH", path, { textname: "Ada", disabled: true, roles: [] });
  assertEquals((await changed.json()).data, {
    username: "ada/1",
    textname: "Ada",
    disabled: true,
    roles: [],
    groups: [],
  });
  assertEquals((await (await stage.send("PATCH", path, { disabled: false })).json()).data, {
    username: "ada/1",
    textname: "Ada",
    roles: [],
    groups: [],
  });
  assertEquals(await statusOf(stage.fetch(path, { method: "DELETE" })), 204);
  assertEquals(await statusOf(stage.fetch(path)), 404);
  assertEquals(await statusOf(stage.fetch(path, { method: "DELETE" })), 404);
  assertStringIncludes(changes[0]!, `createRole by the API, "printed-at-start" at 127.0.0.1`);
  assertEquals(JSON.stringify(changes).includes("lovelace"), false);
});

Deno.test("groups have members, and roles have rules", async () => {
  await using stage = await open();
  const acls = [{ acltype: "publishClientSend", topic: "a/#", priority: 0, allow: true }];
  const role = await stage.send("POST", `${PATH}/roles`, { rolename: "r", acls });
  assertEquals((await role.json()).data, { rolename: "r", allowwildcardsubs: true, acls });
  assertEquals(await statusOf(stage.send("POST", `${PATH}/clients`, { username: "ada" })), 201);
  const group = { groupname: "g", roles: [{ rolename: "r" }] };
  assertEquals(await statusOf(stage.send("POST", `${PATH}/groups`, group)), 201);
  const clients = [{ username: "ada" }];
  const changed = await stage.send("PATCH", `${PATH}/groups/g`, { clients });
  assertEquals((await changed.json()).data, { ...group, clients });
});

Deno.test("lists come in pages, by name", async () => {
  await using stage = await open();
  for (const rolename of ["c", "a", "b"]) {
    assertEquals(await statusOf(stage.send("POST", `${PATH}/roles`, { rolename })), 201);
  }
  const names: string[] = [];
  let cursor = "";
  do {
    const { data, meta } = await stage.json(`${PATH}/roles?limit=2${cursor}`);
    names.push(...data.map(({ rolename }: { rolename: string }) => rolename));
    cursor = meta.next === null ? "" : `&cursor=${meta.next}`;
  } while (cursor !== "");
  assertEquals(names, ["a", "b", "c"]);
});

Deno.test("what is wrong with a request has a status, and changes nothing", async () => {
  await using stage = await open();
  const post = (kind: string, body: unknown) =>
    statusOf(stage.send("POST", `${PATH}/${kind}`, body));
  assertEquals(await post("clients", { username: "ada" }), 201);
  assertEquals(await post("clients", { username: "ada" }), 409);
  assertEquals(await post("clients", {}), 400);
  assertEquals(await post("clients", { username: "" }), 400);
  assertEquals(await post("clients", { username: "bob", command: "deleteClient" }), 400);
  assertEquals(await post("clients", { username: "bob", roles: "r" }), 400);
  assertEquals(await post("clients", { username: "bob", roles: [{ rolename: "none" }] }), 404);
  assertEquals(await post("roles", { rolename: "r", acls: [{ acltype: "x", topic: "a" }] }), 400);
  assertEquals(await post("commands", { commands: new Array(1001).fill({}) }), 400);
  assertEquals(await statusOf(stage.send("PATCH", `${PATH}/groups/none`, { textname: "" })), 404);
  const { data } = await stage.json(`${PATH}/clients`);
  assertEquals(data, [{ username: "ada", roles: [], groups: [] }]);
});

Deno.test("any commands are answered as over MQTT", async () => {
  await using stage = await open();
  const commands = [{ command: "getDetails", correlationData: "x" }, { command: "other" }];
  const answer = await stage.send("POST", `${PATH}/commands`, { commands });
  assertEquals(await answer.json(), {
    responses: [
      {
        command: "getDetails",
        correlationData: "x",
        data: { clientCount: 0, groupCount: 0, roleCount: 0, changeIndex: 0 },
      },
      { command: "other", error: "Unknown command" },
    ],
  });
});

Deno.test("a change that cannot be stored is answered with 503, and undone", async () => {
  const error = () => new Error("broken disk");
  const store = new FaultyStore(new MemoryStore(), { call: "commit", at: 1, error });
  await using stage = await open(store);
  const post = () => statusOf(stage.send("POST", `${PATH}/clients`, { username: "ada" }));
  assertEquals(await post(), 503);
  assertEquals((await stage.json(`${PATH}/clients`)).data, []);
  assertEquals(await post(), 201);
});

Deno.test("a server without dynamic security says so", async () => {
  await using stage = await AdminStage.open();
  for (const path of ["clients", "groups", "roles", "clients/a"]) {
    assertEquals(await statusOf(stage.fetch(`${PATH}/${path}`)), 404);
  }
  const commands: unknown[] = [];
  assertEquals(await statusOf(stage.send("POST", `${PATH}/commands`, { commands })), 404);
});

/** The values of the metrics of dynamic security, by their names without the prefix. */
async function metricsOf(stage: AdminStage): Promise<Record<string, number>> {
  const text = await (await stage.fetch("/metrics")).text();
  const lines = text.matchAll(/^fairway_dynsec_(\w+) (\d+)$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, value]) => [name, Number(value)]));
}

Deno.test("metrics count accounts and commands", async () => {
  const error = () => new Error("no room");
  const store = new FaultyStore(new MemoryStore(), { call: "commit", at: 3, error });
  await using stage = await open(store);
  const create = (rolename: string) => stage.send("POST", `${PATH}/roles`, { rolename });
  assertEquals(await statusOf(create("a")), 201);
  assertEquals(await statusOf(create("a")), 409);
  assertEquals(await statusOf(stage.send("POST", `${PATH}/clients`, { username: "ada" })), 201);
  assertEquals(await statusOf(create("b")), 503);
  assertEquals(await metricsOf(stage), {
    accounts: 1,
    groups: 0,
    roles: 1,
    messages_waiting: 0,
    commands_total: 4,
    changes_total: 2,
    messages_refused_total: 0,
    commits_failed_total: 1,
  });
});

Deno.test("metrics without dynamic security have no values of it", async () => {
  await using stage = await AdminStage.open({});
  assertEquals(await metricsOf(stage), {});
});

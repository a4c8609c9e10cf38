import { assert, assertEquals } from "@std/assert";
import { Random } from "../../tests/harness/random.ts";
import { COMMANDS } from "./commands.ts";
import { DynamicSecurity } from "./dynamic_security.ts";
import { clientOf, SecurityWorld, TestAccountStore } from "./testdata/security_world.ts";

const SEEDS = 12;
const MESSAGES = 25;

const NAMES = ["a", "b", "c", "", "#", "%u", "x\ny", "__proto__", "ö"];
const FIELDS = ["username", "groupname", "rolename", "password", "clientid", "textname"]
  .concat(["priority", "acltype", "topic", "allow", "roles", "groups", "clients", "acls"])
  .concat(["verbose", "count", "offset", "allowwildcardsubs", "correlationData", "__proto__"]);
const ACL_TYPES = ["publishClientSend", "SUBSCRIBELITERAL", "unsubscribePattern", "subscribe", "x"];

/** A value that may fit a field, or not. */
function valueOf(field: string, random: Random, depth = 0): unknown {
  if (random.chance(0.1)) {
    return random.pick([null, 1, -1.5, 1e300, true, "", [], {}, [[]], "\ud800", "\0"]);
  }
  if (field === "acltype") return random.pick(ACL_TYPES);
  if (field === "priority" || field === "count" || field === "offset") {
    return random.integer(-3, 5);
  }
  if (["allow", "verbose", "allowwildcardsubs"].includes(field)) return random.chance(0.5);
  if (["roles", "groups", "clients", "acls"].includes(field) && depth === 0) {
    return Array.from({ length: random.integer(0, 3) }, () => fieldsOf(random, 1));
  }
  return field === "topic" ? random.pick(["a/#", "+", "a/%c", "a/#/b"]) : random.pick(NAMES);
}

function fieldsOf(random: Random, depth: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const field of FIELDS) {
    if (random.chance(0.6)) fields[field] = valueOf(field, random, depth);
  }
  return fields;
}

/** Everything that can be asked for. */
const EVERYTHING = [
  { command: "listClients", verbose: true },
  { command: "listGroups", verbose: true },
  { command: "listRoles", verbose: true },
  { command: "getDefaultACLAccess" },
  { command: "getAnonymousGroup" },
];

async function send(world: SecurityWorld, security: DynamicSecurity, commands: unknown) {
  const text = JSON.stringify({ commands });
  const before = world.published.length;
  await security.handle(clientOf("admin"), new TextEncoder().encode(text));
  assertEquals(world.published.length, before + 1, "a message has one answer");
  return JSON.parse(world.published[before]!).responses as Record<string, unknown>[];
}

Deno.test("whatever is sent has one answer each, and the store has what is shown", async () => {
  const names = [...COMMANDS.keys()];
  let done = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed);
    const world = new SecurityWorld();
    const security = await DynamicSecurity.open(world);
    for (let n = 0; n < MESSAGES; n++) {
      const commands = Array.from({ length: random.integer(1, 6) }, () => ({
        ...fieldsOf(random, 0),
        command: random.chance(0.03) ? valueOf("command", random) : random.pick(names),
      }));
      world.store.fault = random.chance(0.1) ? new Error("a fault of the test") : null;
      const shown = await send(world, security, EVERYTHING);
      const answers = await send(world, security, commands);
      assertEquals(answers.length, commands.length, `seed ${seed}`);
      done += answers.filter(({ error }) => error === undefined).length;
      if (world.failures.length > 0) {
        assertEquals(world.failures, [world.store.fault], `seed ${seed}`);
        assertEquals(await send(world, security, EVERYTHING), shown, `seed ${seed}: undone`);
        world.failures.length = 0;
      }
    }
    const now = await send(world, security, EVERYTHING);
    const store = new TestAccountStore();
    for (const [key, value] of world.store.all) store.all.set(key, value);
    const again = new SecurityWorld(store);
    const reopened = await DynamicSecurity.open(again);
    assertEquals(reopened.unreadable, 0);
    assertEquals(await send(again, reopened, EVERYTHING), now, `seed ${seed}: as stored`);
  }
  assert(done > SEEDS * MESSAGES / 2, `only ${done} commands were done`);
});

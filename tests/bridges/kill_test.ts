/**
 * A bridge whose process, whose other broker or whose connection is killed at every step: no message
 * that was acknowledged is lost, none comes back to where it was published, and none of QoS 2 comes
 * twice.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { QoS } from "../../codec/mod.ts";
import { BridgeWorld, type Side, type Victim } from "./world.ts";

/** Steps at which something is killed: more than a run without a kill takes. */
const STEPS_MAX = 400;

const OTHER: Record<Side, Side> = { near: "far", far: "near" };

/** Runs once, and checks what both readers got. Returns the steps that were taken. */
async function run(version: 4 | 5, step: number, victim: Victim): Promise<number> {
  const world = await BridgeWorld.make({
    protocolVersion: version,
    topics: [{ pattern: "both/#", direction: "both", qos: 2 }],
  });
  world.killAt(step, victim);
  await world.connected();
  for (let i = 0; i < 3; i++) {
    for (const qos of [1, 2] as QoS[]) {
      world.publish("near", "both/near", `near ${i} qos ${qos}`, qos);
      world.publish("far", "both/far", `far ${i} qos ${qos}`, qos);
    }
    await world.clock.settle();
  }
  await world.quiet();
  const text = `MQTT ${version}, ${victim} killed at step ${step}`;
  for (const side of ["near", "far"] as Side[]) {
    const got = await world.read(side);
    for (const { payload, isAcknowledged } of world.published[side]) {
      check(`${text}: at home, `, got, payload, 2, isAcknowledged);
    }
    for (const { payload, qos, isAcknowledged } of world.published[OTHER[side]]) {
      check(`${text}: over the bridge, `, got, payload, qos, isAcknowledged);
    }
  }
  const { steps } = world;
  await world.close();
  return steps;
}

function check(text: string, got: string[], payload: string, qos: QoS, isSure: boolean): void {
  const count = got.filter((one) => one === payload).length;
  if (isSure) assert(count > 0, `${text}"${payload}" is lost`);
  if (qos === 2) assert(count <= 1, `${text}"${payload}" came ${count} times`);
}

for (const version of [4, 5] as const) {
  for (const victim of ["line", "near", "far"] as const) {
    Deno.test(`a bridge of MQTT ${version} loses and repeats nothing, whenever ${victim} is killed`, async () => {
      const steps = await run(version, Infinity, victim);
      assert(steps > 20 && steps < STEPS_MAX, `${steps} steps`);
      for (let step = 1; step <= steps; step++) await run(version, step, victim);
    });
  }
}

Deno.test("a run without a kill passes each message once, both ways, and brings none back", async () => {
  const world = await BridgeWorld.make({
    topics: [{ pattern: "both/#", direction: "both", qos: 1 }],
  });
  await world.connected();
  world.publish("near", "both/a", "from near", 1);
  world.publish("far", "both/b", "from far", 1);
  await world.quiet();
  assertEquals((await world.read("near")).sort(), ["from far", "from near"]);
  assertEquals((await world.read("far")).sort(), ["from far", "from near"]);
  await world.close();
});

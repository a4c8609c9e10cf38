/**
 * Node-RED reads history. Its MQTT nodes cannot set properties of SUBSCRIBE, and each of them takes
 * what its topic filter matches of all that comes on their one connection: so it subscribes below
 * `$replay/`, where messages arrive.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { BrokerProcess } from "../harness/broker_process.ts";
import { Child } from "../harness/child.ts";
import { publish } from "../harness/external_clients.ts";
import { nodeRedFile, runtimeCommand, testWith } from "../harness/tools.ts";

const DEADLINE_MS = 60_000;
/** Nothing of Node-RED but its flows: no editor, no server that others could reach, no reports. */
const SETTINGS = `module.exports = {
  uiHost: "127.0.0.1",
  uiPort: 0,
  httpAdminRoot: false,
  httpNodeRoot: false,
  userDir: __dirname,
  credentialSecret: false,
  telemetry: { enabled: false, updateNotification: false },
  externalModules: { autoInstall: false, palette: { allowInstall: false } },
};`;

/** Flows that write what they get: one that wants history, and one that wants what comes. */
function flows(port: number, protocolVersion: 4 | 5): unknown[] {
  const broker = {
    ...{ id: "broker", type: "mqtt-broker", broker: "127.0.0.1", port: `${port}` },
    ...{ clientid: "red", protocolVersion: `${protocolVersion}`, keepalive: "60" },
    ...{ cleansession: true, autoConnect: true, usetls: false },
  };
  const topics = { history: "$replay/day/since=1h/sensors/#", live: "sensors/#" };
  const nodes = Object.entries(topics).flatMap(([name, topic]) => [
    {
      ...{ id: name, type: "mqtt in", z: "tab", topic, qos: "1", datatype: "utf8" },
      ...{ broker: "broker", nl: false, rap: true, rh: 0, wires: [[`${name}-out`]] },
    },
    {
      ...{ id: `${name}-out`, type: "function", z: "tab", name, outputs: 0, wires: [] },
      func: `node.warn(msg.topic + " " + msg.payload + " " + msg.retain + ";");`,
    },
  ]);
  return [{ id: "tab", type: "tab", label: "test" }, broker, ...nodes];
}

for (const version of [4, 5] as const) {
  testWith(
    ["node-red", "mosquitto_pub"],
    `Node-RED gets history by topic, and then what comes, once (protocol ${version})`,
    async () => {
      await using broker = await BrokerProcess.start("--stream", "day=sensors/#");
      await publish(broker.port, ["-t", "sensors/kitchen", "-q", "1", "-l"], "20\n21\n22\n");
      const folder = await Deno.makeTempDir();
      try {
        await Deno.writeTextFile(`${folder}/settings.js`, SETTINGS);
        await Deno.writeTextFile(
          `${folder}/flows.json`,
          JSON.stringify(flows(broker.port, version)),
        );
        const args = [nodeRedFile(), "-s", `${folder}/settings.js`, `${folder}/flows.json`];
        await using red = new Child(runtimeCommand("node24")!, args, { cwd: folder });
        await red.waitFor(/kitchen 22 /, "stdout", DEADLINE_MS);
        await publish(broker.port, ["-t", "sensors/hall", "-q", "1", "-m", "18"]);
        await red.waitFor(
          /history\] \S+hall 18[^]*live|live\] \S+hall 18[^]*history/,
          "stdout",
          DEADLINE_MS,
        );
        const got = red.stdout.matchAll(/\[function:(\w+)\] ([^;]*);/g);
        const lines = [...got].map(([, name, line]) => `${name}: ${line}`);
        const below = "history: $replay/day/since=1h/sensors";
        assertEquals(lines.filter((line) => line.startsWith("history")), [
          `${below}/kitchen 20 false`,
          `${below}/kitchen 21 false`,
          `${below}/kitchen 22 false`,
          `${below}/hall 18 false`,
        ]);
        assertEquals(lines.filter((line) => line.startsWith("live")), [
          "live: sensors/hall 18 false",
        ]);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

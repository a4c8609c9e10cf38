/**
 * Workers that die, and what their clients and the others see of it. Each scene runs in a process of
 * its own, because each worker of a test would be type-checked anew.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { hashToken } from "../../admin/access/token_file.ts";
import { connect } from "../../client/mod.ts";
import { ownerOf } from "../../cluster/client_owner.ts";
import { NodeStartError } from "../../server/start_error.ts";
import { Supervisor } from "../../server/workers/supervisor.ts";
import { eventually } from "../harness/eventually.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";
import { Admin } from "../harness/security_site.ts";
import { securityFile } from "./_configured.ts";

/** A worker needs so long to start on a busy machine, in milliseconds. */
export const RESTART_DEADLINE_MS = 20_000;

/** By their names, which the tests have. */
export const SCENES: Record<string, () => Promise<void>> = {};

async function start(nodes: number, directory: string | null = null) {
  const settings = {
    config: null,
    directory,
    strictStore: false,
    streams: [],
    connectionsMax: 100,
    memoryBytesMax: 0,
    verbose: false,
    version: "Fairway test",
  };
  const listener = { hostname: "127.0.0.1", port: 0, webSocket: false };
  const { supervisor, started } = await Supervisor.start(nodes, settings, [listener]);
  return { supervisor, port: started.ports[0]! };
}

/** Client identifiers of which the first lives on node 0, the second on node 1, and so on. */
export function onEach(nodes: number, prefix: string): string[] {
  return Array.from({ length: nodes }, (_, node) => {
    for (let i = 0;; i++) if (ownerOf(`${prefix}${i}`, nodes) === node) return `${prefix}${i}`;
  });
}

export async function connected(port: number, clientId: string, fields = {}): Promise<RawClient> {
  const client = await RawClient.dial(port);
  await client.send(packets.connect({ clientId, ...fields }));
  return client;
}

SCENES["a session is found wherever its client is accepted [MQTT-3.1.2-5]"] = async () => {
  const { supervisor, port } = await start(3);
  for (const clientId of onEach(3, "c")) {
    for (let i = 0; i < 12; i++) {
      const client = await connected(port, clientId, { clean: false });
      await client.expect(i === 0 ? "20 02 00 00" : "20 02 01 00");
      await client[Symbol.asyncDispose]();
    }
  }
  await supervisor.stop(0);
};

SCENES[
  "a worker that dies ends the connections of its clients, and no others; it is started again"
] = async () => {
  const { supervisor, port } = await start(2);
  const [first, second] = onEach(2, "c") as [string, string];
  await using dying = await connected(port, first);
  await dying.expect("20 02 00 00");
  await using staying = await connected(port, second);
  await staying.expect("20 02 00 00");
  supervisor.kill(0);
  await dying.expectClose();
  await staying.send(packets.pingreq());
  await staying.expect("d0 00");
  // What is accepted meanwhile is closed, if its client lives on the dead node.
  await eventually("the worker serves clients again", async () => {
    const client = await connected(port, first);
    const connack = await client.readFrameOrEnd();
    await client[Symbol.asyncDispose]();
    return connack !== null;
  }, RESTART_DEADLINE_MS);
  await staying.send(packets.pingreq());
  await staying.expect("d0 00");
  await supervisor.stop(0);
};

SCENES["a link between workers that breaks is made again"] = async () => {
  const { supervisor, port } = await start(2);
  const [first, second] = onEach(2, "c") as [string, string];
  await using receiver = await connected(port, first);
  await receiver.expect("20 02 00 00");
  await receiver.send(packets.subscribe({ t: 2 }));
  await receiver.expect("90 03 00 01 02");
  await using publisher = await connected(port, second);
  await publisher.expect("20 02 00 00");
  for (let i = 1; i <= 3; i++) {
    supervisor.cut(0, 1);
    // It waits until there is a link again.
    await publisher.send(packets.publish("t", `${i}`, { qos: 2, packetId: i }));
    await publisher.expect(`50 02 00 0${i}`);
    await publisher.send(`62 02 00 0${i}`);
    await publisher.expect(`70 02 00 0${i}`);
    await receiver.expect(packets.publish("t", `${i}`, { qos: 2, packetId: i }));
    await receiver.send(`50 02 00 0${i}`);
    await receiver.expect(`62 02 00 0${i}`);
    await receiver.send(`70 02 00 0${i}`);
  }
  await supervisor.stop(0);
};

SCENES["what a worker has acknowledged is there when it runs again"] = async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { supervisor, port } = await start(2, folder);
    const [clientId] = onEach(2, "durable") as [string];
    const client = await connected(port, clientId, { clean: false });
    await client.expect("20 02 00 00");
    await client.send(packets.subscribe({ t: 1 }));
    await client.expect("90 03 00 01 01");
    supervisor.kill(0);
    await client.expectClose();
    await client[Symbol.asyncDispose]();
    await supervisor.stop(0);
    const again = await start(2, folder);
    await using returned = await connected(again.port, clientId, { clean: false });
    await returned.expect("20 02 01 00");
    await again.supervisor.stop(0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
};

SCENES["a node that cannot start is told in its own words, and none runs"] = async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const listener = { hostname: "127.0.0.1", port: taken.addr.port, webSocket: false };
  const settings = {
    config: null,
    directory: null,
    strictStore: false,
    streams: [],
    connectionsMax: 100,
    memoryBytesMax: 0,
    verbose: false,
    version: "Fairway test",
  };
  const error = await assertRejects(
    () => Supervisor.start(2, settings, [listener]),
    NodeStartError,
  );
  assertEquals(error.code, 1);
  assert(error.message.includes("in use"), error.message);
  taken.close();
};

/** Starts two workers with a configuration; `FOLDER` in it stands for a folder. */
export async function startConfigured(
  folder: string,
  text: string,
): Promise<{ supervisor: Supervisor; ports: readonly number[] }> {
  const config = `${folder}/fairway.conf`;
  const common = "fairway_native_sockets true\nfairway_workers 2\nlog_dest none\n";
  await Deno.writeTextFile(config, common + text.replaceAll("FOLDER", folder));
  const settings = {
    config,
    directory: null,
    strictStore: false,
    streams: [],
    connectionsMax: 100,
    memoryBytesMax: 0,
    verbose: false,
    version: "Fairway test",
  };
  const { supervisor, started } = await Supervisor.start(2, settings, [], {
    hasAdmin: true,
    reload: () => Promise.resolve([]),
  });
  return { supervisor, ports: started.ports };
}

/** Does something with a folder that is removed then. */
export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

SCENES["the API of a configuration is there again with the worker that serves it"] = () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/tokens`, `me:write:${await hashToken("secret")}\n`);
    const { supervisor, ports } = await startConfigured(
      folder,
      "allow_anonymous true\nlistener 0 127.0.0.1\nlistener 0 127.0.0.1\n" +
        "protocol http_api\nfairway_admin_tokens FOLDER/tokens\n",
    );
    const url = `http://127.0.0.1:${ports[1]}/api/v1/clients`;
    const headers = { authorization: "Bearer secret" };
    const statusOf = async () => {
      try {
        const response = await fetch(url, { headers });
        await response.body?.cancel();
        return response.status;
      } catch {
        return null;
      }
    };
    assertEquals(await statusOf(), 200);
    for (const node of [0, 1]) {
      supervisor.kill(node);
      await eventually("the API answers for all", async () => {
        return supervisor.adminPorts[node] !== null && await statusOf() === 200;
      }, RESTART_DEADLINE_MS);
    }
    await supervisor.stop(0);
  });

SCENES["dynamic security is whole again when a worker has died, whichever it is"] = () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/d.json`, await securityFile());
    const { supervisor, ports: [port] } = await startConfigured(
      folder,
      "listener 0 127.0.0.1\nfairway_dynamic_security_file FOLDER/d.json\n" +
        "persistence true\nfairway_data_dir FOLDER/data\n",
    );
    const loginAt = async (node: number, username: string) => {
      const clientId = onEach(2, username)[node]!;
      const options = { username, password: "pw", clientId, reconnect: false as const };
      await (await connect(`mqtt://127.0.0.1:${port}`, options)).close();
    };
    const adminAt = (node: number) => {
      const clientId = onEach(2, "admin")[node]!;
      return Admin.connect(port!, { username: "admin", password: "adminpw", clientId });
    };
    for (const dying of [1, 0]) {
      const [before, after] = [`before-${dying}`, `after-${dying}`];
      const add = (username: string) => ({ command: "createClient", username, password: "pw" });
      await using admin = await adminAt(1 - dying);
      await admin.must(add(before));
      supervisor.kill(dying);
      // Each command is answered; while the owner is away, with an error.
      await eventually("a command is executed", async () => {
        const [answer] = await admin.send(add(after));
        return answer!.error === undefined || answer!.error === "Client already exists";
      }, RESTART_DEADLINE_MS);
      await eventually("both nodes know every account", async () => {
        try {
          for (const node of [0, 1]) for (const name of [before, after]) await loginAt(node, name);
          return true;
        } catch {
          return false;
        }
      }, RESTART_DEADLINE_MS);
      await admin.must({ command: "deleteClient", username: before });
      for (const node of [0, 1]) await assertRejects(() => loginAt(node, before));
    }
    await supervisor.stop(0);
  });

if (import.meta.main) {
  await SCENES[Deno.args[0]!]!();
}

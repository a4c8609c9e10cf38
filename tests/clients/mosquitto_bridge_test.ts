/**
 * A real mosquitto bridges into Fairway, in every combination of what its bridges can be told: what
 * goes out arrives, what comes in arrives, and nothing comes back as an echo.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import { type Client, connect } from "../../client/mod.ts";
import { MemoryStore } from "../../store/mod.ts";
import { BrokerProcess } from "../harness/broker_process.ts";
import { Certificates } from "../harness/certificates.ts";
import { within } from "../harness/deadline.ts";
import { testWith } from "../harness/tools.ts";

/** Time for bridges to connect and for messages to cross, on a machine that has other things to do. */
const DEADLINE_MS = 20_000;

/** A bridge of mosquitto's, and what it is told. */
interface Bridge {
  /** The client identifier that it has at Fairway. */
  clientId: string;
  version: "mqttv31" | "mqttv311" | "mqttv50";
  tryPrivate: boolean;
  notifications: "all" | "local" | "none" | "elsewhere";
}

const BRIDGES: Bridge[] = [];
for (const version of ["mqttv31", "mqttv311", "mqttv50"] as const) {
  for (const tryPrivate of [true, false]) {
    for (const notifications of ["all", "local", "none", "elsewhere"] as const) {
      const clientId = `host.${version}-${tryPrivate ? "private" : "plain"}-${notifications}`;
      BRIDGES.push({ clientId, version, tryPrivate, notifications });
    }
  }
}

/** Where a bridge tells whether it is connected; `null` if Fairway is not to know. */
function stateTopic({ clientId, notifications }: Bridge): string | null {
  if (notifications === "elsewhere") return `notes/${clientId}`;
  return notifications === "all" ? `$SYS/broker/connection/${clientId}/state` : null;
}

/** The lines of mosquitto's configuration. */
function linesOf(bridge: Bridge, address: string, tls: string[]): string[] {
  const { clientId, version, tryPrivate, notifications } = bridge;
  return [
    `connection ${clientId}`,
    `remote_clientid ${clientId}`,
    `address ${address}`,
    `bridge_protocol_version ${version}`,
    `try_private ${tryPrivate}`,
    "cleansession false",
    "restart_timeout 1",
    `notifications ${notifications !== "none"}`,
    ...notifications === "local" ? ["notifications_local_only true"] : [],
    ...notifications === "elsewhere" ? [`notification_topic notes/${clientId}`] : [],
    `topic up/${clientId}/# out 2`,
    `topic down/${clientId}/# in 2`,
    `topic both/${clientId}/# both 2`,
    ...tls,
  ];
}

/** What has come to a client, as `topic payload`. */
class Inbox {
  readonly all: string[] = [];
  #grown = Promise.withResolvers<void>();

  /** Subscribes, and gathers from now on. */
  static async of(client: Client, filters: string[]): Promise<Inbox> {
    const inbox = new Inbox();
    for (const filter of filters) {
      const messages = await client.subscribe(filter, { qos: 2 });
      inbox.#gather(messages);
    }
    return inbox;
  }

  /** Waits until all of these have come. */
  async has(...wanted: string[]): Promise<void> {
    const missing = () => wanted.filter((one) => !this.all.includes(one));
    const wait = async () => {
      while (missing().length > 0) await this.#grown.promise;
    };
    await within(() => `there come ${missing()}; came ${this.all}`, wait(), DEADLINE_MS);
  }

  /** What has come to topics that belong to a bridge, in the order of the alphabet. */
  of(clientId: string): string[] {
    return this.all.filter((one) => one.split(" ")[0]!.split("/")[1] === clientId).sort();
  }

  async #gather(
    messages: AsyncIterable<{ topic: string; payload: Uint8Array }>,
  ): Promise<void> {
    for await (const { topic, payload } of messages) {
      this.all.push(`${topic} ${new TextDecoder().decode(payload)}`);
      this.#grown.resolve();
      this.#grown = Promise.withResolvers();
    }
  }
}

/** Bridges a mosquitto into the broker, has messages cross, and sees what has come of them. */
async function cross(
  broker: Broker,
  port: number,
  bridges: readonly Bridge[],
  connected: (clientIds: readonly string[]) => Promise<void>,
  address: string,
  tls: string[] = [],
): Promise<void> {
  await using remote = await connect(`mqtt://127.0.0.1:${port}`);
  const states = bridges.map(stateTopic).filter((topic) => topic !== null);
  const far = await Inbox.of(remote, [
    "up/#",
    "both/+/near",
    "both/+/end",
    "$SYS/broker/connection/#",
    "notes/#",
  ]);
  {
    // Started by root it would become a user who may not read the certificates.
    const lines = ["user root", ...bridges.flatMap((bridge) => linesOf(bridge, address, tls))];
    await using mosquitto = await BrokerProcess.startMosquitto(1000, lines);
    await using local = await connect(`mqtt://127.0.0.1:${mosquitto.port}`);
    const near = await Inbox.of(local, ["down/#", "both/#"]);
    await connected(bridges.map(({ clientId }) => clientId));
    await far.has(...states.map((topic) => `${topic} 1`));
    for (const { clientId } of bridges) {
      await local.publish(`up/${clientId}/a`, "up", { qos: 2 });
      await local.publish(`both/${clientId}/near`, "x", { qos: 2 });
      await remote.publish(`down/${clientId}/a`, "down", { qos: 2 });
      await remote.publish(`both/${clientId}/far`, "x", { qos: 2 });
    }
    const each = (words: (clientId: string) => string[]) =>
      bridges.flatMap(({ clientId }) => words(clientId));
    await far.has(...each((id) => [`up/${id}/a up`, `both/${id}/near x`]));
    await near.has(...each((id) => [`down/${id}/a down`, `both/${id}/far x`]));
    // An echo would come before what is sent the same way now.
    for (const { clientId } of bridges) {
      await remote.publish(`down/${clientId}/end`, "x", { qos: 2 });
      await local.publish(`up/${clientId}/end`, "x", { qos: 2 });
    }
    await far.has(...each((id) => [`up/${id}/end x`]));
    await near.has(...each((id) => [`down/${id}/end x`]));
    for (const { clientId, version, tryPrivate } of bridges) {
      assertEquals(far.of(clientId).filter((one) => !one.startsWith("notes/")), [
        `both/${clientId}/near x`,
        `up/${clientId}/a up`,
        `up/${clientId}/end x`,
      ]);
      // Without the bit of a bridge 3.x has no No Local, with whatever broker.
      const hasEcho = version !== "mqttv50" && !tryPrivate;
      assertEquals(near.of(clientId), [
        `both/${clientId}/far x`,
        ...new Array(hasEcho ? 2 : 1).fill(`both/${clientId}/near x`),
        `down/${clientId}/a down`,
        `down/${clientId}/end x`,
      ], clientId);
    }
    const told = far.all.filter((one) => /^(\$SYS|notes)/.test(one)).sort();
    assertEquals(told, states.map((topic) => `${topic} 1`).sort(), "Each is told once");
  }
  // Killed, and so without a goodbye: the wills tell.
  await far.has(...states.map((topic) => `${topic} 0`));
  assertEquals(broker.stats.internalErrors, 0);
  assertEquals(broker.stats.dropped["not-authorized"], 0);
}

/** A broker's hook that tells when clients are there, and what they were refused for. */
function watch(): {
  hooks: { connected(client: { clientId: string }): void };
  all(clientIds: readonly string[]): Promise<void>;
} {
  const there = new Set<string>();
  let grown = Promise.withResolvers<void>();
  return {
    hooks: {
      connected({ clientId }) {
        there.add(clientId);
        grown.resolve();
        grown = Promise.withResolvers();
      },
    },
    all(clientIds) {
      const missing = () => clientIds.filter((id) => !there.has(id));
      const wait = async () => {
        while (missing().length > 0) await grown.promise;
      };
      return within(() => `there connect ${missing()}`, wait(), DEADLINE_MS);
    },
  };
}

testWith(["mosquitto"], "mosquitto bridges into Fairway, however it is told to", async () => {
  const { hooks, all } = watch();
  await using broker = new Broker({ hooks });
  const { port } = await broker.listen({ port: 0 });
  await cross(broker, port, BRIDGES, all, `127.0.0.1:${port}`);
});

testWith(["mosquitto"], "mosquitto bridges into a Fairway that is durable", async () => {
  const { hooks, all } = watch();
  await using broker = await Broker.open(new MemoryStore(), { hooks });
  const { port } = await broker.listen({ port: 0 });
  await cross(broker, port, BRIDGES, all, `127.0.0.1:${port}`);
});

testWith(["mosquitto", "openssl"], "mosquitto bridges into Fairway over TLS", async () => {
  const { hooks, all } = watch();
  await using certificates = await Certificates.make();
  await using broker = new Broker({ hooks });
  const { port } = await broker.listen({ port: 0 });
  const listener = await broker.listen({ port: 0, tls: await certificates.identity("server") });
  // The certificate is for localhost, which may be ::1, where nobody listens.
  const tls = [`bridge_cafile ${certificates.folder}/ca.pem`, "bridge_insecure true"];
  await cross(broker, port, BRIDGES, all, `127.0.0.1:${listener.port}`, tls);
});

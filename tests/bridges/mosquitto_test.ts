/**
 * A mosquitto.conf with three bridges: one over TLS with a password, one that shares a topic both
 * ways with QoS 2, and one that renames topics. The same file starts mosquitto and Fairway, the other
 * broker is one or the other, and all behave alike.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { type Client, connect } from "../../client/mod.ts";
import type { QoS } from "../../codec/mod.ts";
import { CONFIG_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import { Certificates } from "../harness/certificates.ts";
import { Child } from "../harness/child.ts";
import { within } from "../harness/deadline.ts";
import { testWith } from "../harness/tools.ts";

const DEADLINE_MS = 30_000;
const BRIDGES = ["secured", "shared", "renamed"];
const decoder = new TextDecoder();

type Kind = "mosquitto" | "fairway";

/** A folder with the configurations of both brokers. */
class Site implements AsyncDisposable {
  readonly near: number;
  readonly far: number;
  readonly farTls: number;
  readonly #certificates: Certificates;

  private constructor(certificates: Certificates) {
    this.#certificates = certificates;
    [this.near, this.far, this.farTls] = freePorts(3) as [number, number, number];
  }

  static async make(version: string): Promise<Site> {
    const site = new Site(await Certificates.make());
    await site.#write(version);
    return site;
  }

  /** Where the files are. */
  get folder(): string {
    return this.#certificates.folder;
  }

  async start(kind: Kind, side: "near" | "far"): Promise<Child> {
    const path = this.#path(`${side}.conf`);
    if (kind === "fairway") {
      const child = startServer(["-c", path], CONFIG_PERMISSIONS);
      await child.waitFor(/Listening on/, "stderr", DEADLINE_MS);
      return child;
    }
    const child = new Child("mosquitto", ["-c", path]);
    await child.waitFor(/running/, "stderr", DEADLINE_MS);
    return child;
  }

  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(this.#path(name), text);
  }

  read(name: string): Promise<string> {
    return Deno.readTextFile(this.#path(name));
  }

  #path(name: string): string {
    return this.#certificates.path(name);
  }

  async #write(version: string): Promise<void> {
    const { folder } = this.#certificates;
    const args = ["-c", "-b", this.#path("passwd"), "hall7", "secret"];
    await using child = new Child("mosquitto_passwd", args);
    assertEquals((await child.outcome(DEADLINE_MS)).code, 0);
    await Deno.chmod(this.#path("passwd"), 0o600);
    await Deno.writeTextFile(
      this.#path("far.conf"),
      `per_listener_settings true
user ${Deno.env.get("USER") ?? "root"}
listener ${this.far} 127.0.0.1
allow_anonymous true
listener ${this.farTls} 127.0.0.1
allow_anonymous false
password_file ${folder}/passwd
certfile ${folder}/server.pem
keyfile ${folder}/server.key
`,
    );
    await Deno.writeTextFile(
      this.#path("near.conf"),
      `user ${Deno.env.get("USER") ?? "root"}
listener ${this.near} 127.0.0.1
allow_anonymous true

# Measurements go to the plant.
connection secured
address 127.0.0.1:${this.farTls}
bridge_cafile ${folder}/ca.pem
bridge_protocol_version ${version}
remote_username hall7
remote_password secret
remote_clientid hall7-secured
topic sensors/# out 1
topic orders/# in 1

connection shared
addresses 127.0.0.1:${this.far}
bridge_protocol_version ${version}
remote_clientid hall7-shared
cleansession false
restart_timeout 1
topic both/# both 2

connection renamed
address 127.0.0.1:${this.far}
bridge_protocol_version ${version}
remote_clientid hall7-renamed
topic # both 1 here/ there/hall7/
topic "" out 1 one/level another/level
`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#certificates[Symbol.asyncDispose]();
  }
}

/** Ports that were free a moment ago. */
function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => (addr as Deno.NetAddr).port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** A client of one side, and what has come to it. */
class Observer implements AsyncDisposable {
  readonly got: string[] = [];
  readonly client: Client;
  #grown = Promise.withResolvers<void>();

  constructor(client: Client) {
    this.client = client;
    void this.#read();
  }

  static async open(port: number): Promise<Observer> {
    const client = await connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4 });
    return new Observer(client);
  }

  /** Publishes, and waits until the broker has it. */
  async publish(topic: string, payload: string, qos: QoS = 1, retain = false): Promise<void> {
    await this.client.publish(topic, payload, { qos, retain });
  }

  /** Waits until a message has come. */
  async until(text: string): Promise<void> {
    const wait = async () => {
      while (!this.got.includes(text)) await this.#grown.promise;
    };
    await within(() => `${text} among ${this.got.join(", ")}`, wait(), DEADLINE_MS);
  }

  /** What has come, and is forgotten. */
  taken(): string[] {
    return this.got.splice(0).sort();
  }

  async #read(): Promise<void> {
    const filters = ["#", "$SYS/broker/connection/+/state"];
    for await (const { topic, payload, qos } of this.client.subscribe(filters, { qos: 2 })) {
      this.got.push(`${topic} ${decoder.decode(payload)} ${qos}`);
      this.#grown.resolve();
      this.#grown = Promise.withResolvers();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close({ graceMs: 0 });
  }
}

testWith(
  ["mosquitto", "openssl"],
  "a bridge with nothing but an address and a topic works with mosquitto, and is called after the host and itself",
  async () => {
    await using site = await Site.make("mqttv311");
    await site.write(
      "near.conf",
      `listener ${site.near} 127.0.0.1
allow_anonymous true
connection plain
address 127.0.0.1:${site.far}
topic # both
`,
    );
    await using _far = await site.start("mosquitto", "far");
    await using _near = await site.start("fairway", "near");
    await using near = await Observer.open(site.near);
    await using far = await Observer.open(site.far);
    await far.until(`$SYS/broker/connection/${Deno.hostname()}.plain/state 1 1`);
    await near.publish("a", "from near");
    await far.until("a from near 0");
    await far.publish("b", "from far");
    await near.until("b from far 0");
  },
);

testWith(
  ["mosquitto", "openssl"],
  "a bridge goes to mosquitto by wss:, with an authority of its own and large messages both ways",
  async () => {
    await using site = await Site.make("mqttv50");
    const { folder } = site;
    await site.write(
      "far.conf",
      `user ${Deno.env.get("USER") ?? "root"}
listener ${site.far} 127.0.0.1
allow_anonymous true
listener ${site.farTls} 127.0.0.1
protocol websockets
certfile ${folder}/server.pem
keyfile ${folder}/server.key
`,
    );
    await site.write(
      "near.conf",
      `listener ${site.near} 127.0.0.1
allow_anonymous true
connection web
address wss://localhost:${site.farTls}/mqtt
bridge_cafile ${folder}/ca.pem
bridge_protocol_version mqttv50
bridge_tcp_keepalive 30 5 5
bridge_tcp_user_timeout 20000
remote_clientid web
topic # both 1
`,
    );
    await using _far = await site.start("mosquitto", "far");
    await using _near = await site.start("fairway", "near");
    await using near = await Observer.open(site.near);
    await using far = await Observer.open(site.far);
    await far.until("$SYS/broker/connection/web/state 1 1");
    const large = "large ".repeat(30_000);
    await near.publish("a", large);
    await far.until(`a ${large} 1`);
    await far.publish("b", large);
    await near.until(`b ${large} 1`);
  },
);

testWith(
  ["mosquitto", "openssl"],
  "a reload adds, changes and removes bridges, and does not touch the others",
  async () => {
    await using site = await Site.make("mqttv311");
    await using _far = await site.start("mosquitto", "far");
    await using server = await site.start("fairway", "near");
    await using near = await Observer.open(site.near);
    await using far = await Observer.open(site.far);
    await connected(near, far);
    const text = await site.read("near.conf");
    const kept = text.slice(0, text.indexOf("connection renamed"))
      .replace(
        "topic both/# both 2",
        "topic both/# both 2\ntopic more/# out 1\nbridge_reload_type immediate",
      );
    await site.write(
      "near.conf",
      `${kept}connection added\naddress 127.0.0.1:${site.far}\ntopic added/# out 1\n`,
    );
    near.taken();
    far.taken();
    server.signal("SIGHUP");
    await server.waitFor(/Configuration reloaded/, "stderr", DEADLINE_MS);
    await far.until(`$SYS/broker/connection/${Deno.hostname()}.added/state 1 1`);
    await far.until("$SYS/broker/connection/hall7-renamed/state 0 0");
    await far.until("$SYS/broker/connection/hall7-shared/state 1 1");
    await near.publish("added/a", "x");
    await far.until("added/a x 1");
    await near.publish("more/a", "x");
    await far.until("more/a x 1");
    assertEquals(far.taken().filter((text) => text.includes("hall7-secured")), []);
    await site.write("near.conf", `${kept}connection bad\ntopic a\n`);
    server.signal("SIGHUP");
    await server.waitFor(/connection: "bad" needs an address/, "stderr", DEADLINE_MS);
    await near.publish("added/a", "y");
    await far.until("added/a y 1");
  },
);

/** Waits until all bridges say at both brokers that they are connected. */
async function connected(near: Observer, far: Observer): Promise<void> {
  for (const name of BRIDGES) {
    const state = `$SYS/broker/connection/hall7-${name}/state 1 1`;
    await near.until(state);
    await far.until(state);
  }
}

for (const version of ["mqttv311", "mqttv50"]) {
  for (
    const [nearKind, farKind] of [
      ["mosquitto", "mosquitto"],
      ["fairway", "mosquitto"],
      ["fairway", "fairway"],
    ] as const
  ) {
    testWith(
      ["mosquitto", "openssl"],
      `three bridges of a mosquitto.conf work in ${nearKind}, to ${farKind}, by ${version}`,
      async () => {
        await using site = await Site.make(version);
        await using _far = await site.start(farKind, "far");
        await using _near = await site.start(nearKind, "near");
        await using near = await Observer.open(site.near);
        await using far = await Observer.open(site.far);
        await connected(near, far);
        near.taken();
        far.taken();

        await near.publish("sensors/7/level", "3");
        await far.until("sensors/7/level 3 1");
        await near.publish("both/a", "from near", 2);
        await far.until("both/a from near 2");
        await near.publish("here/x/y", "renamed");
        await far.until("there/hall7/x/y renamed 1");
        await near.publish("one/level", "single");
        await far.until("another/level single 1");
        await far.publish("orders/1", "go");
        await near.until("orders/1 go 1");
        await far.publish("both/b", "from far", 2);
        await near.until("both/b from far 2");
        await far.publish("there/hall7/back", "back");
        await near.until("here/back back 1");
        // What does not match stays where it is, and what has passed does not come back: this comes last.
        await near.publish("elsewhere", "x");
        await near.publish("both/end", "near", 2);
        await far.until("both/end near 2");
        await far.publish("both/end", "far", 2);
        await near.until("both/end far 2");
        await near.until("both/end near 2");

        assertEquals(near.taken(), [
          "both/a from near 2",
          "both/b from far 2",
          "both/end far 2",
          "both/end near 2",
          "elsewhere x 1",
          "here/back back 1",
          "here/x/y renamed 1",
          "one/level single 1",
          "orders/1 go 1",
          "sensors/7/level 3 1",
        ]);
        assertEquals(far.taken(), [
          "another/level single 1",
          "both/a from near 2",
          "both/b from far 2",
          "both/end far 2",
          "both/end near 2",
          "orders/1 go 1",
          "sensors/7/level 3 1",
          "there/hall7/back back 1",
          "there/hall7/x/y renamed 1",
        ]);
      },
    );
  }
}

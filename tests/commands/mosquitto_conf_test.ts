/**
 * The files of a mosquitto installation start Fairway as they are, and clients
 * find everything as it was.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { connect } from "../../client/mod.ts";
import { Child } from "../harness/child.ts";
import { Installation, USERS } from "../harness/installation.ts";
import { testWith } from "../harness/tools.ts";

const TOOLS = ["mosquitto", "mosquitto_pub", "mosquitto_sub", "openssl"] as const;
const DEADLINE_MS = 20_000;
/** How long a subscriber waits for what must not come, in seconds. */
const SILENCE_SECONDS = "1";

/** A client of the installation, as flags for mosquitto's own. */
type Who = readonly string[];

class Clients {
  readonly #made: Installation;

  constructor(made: Installation) {
    this.#made = made;
  }

  /** A user, by name and password, on the port for programs. */
  user(name: keyof typeof USERS, password: string = USERS[name]): Who {
    return ["-p", `${this.#made.ports.plain}`, "-u", name, "-P", password];
  }

  /** Somebody without a name. */
  get nobody(): Who {
    return ["-p", `${this.#made.ports.plain}`];
  }

  /** A machine with a certificate; `null` for none. */
  machine(certificate: string | null): Who {
    const { folder, ports } = this.#made;
    const own = certificate === null
      ? []
      : ["--cert", `${folder}/${certificate}.pem`, "--key", `${folder}/${certificate}.key`];
    return ["-h", "localhost", "-p", `${ports.tls}`, "--cafile", `${folder}/ca.pem`, ...own];
  }
}

/** Publishes, and tells how that ended: the exit code of mosquitto_pub, or what it was told. */
async function publish(who: Who, topic: string, payload: string, ...more: string[]) {
  const args = [...who, "-t", topic, "-m", payload, "-q", "1", ...more];
  await using child = new Child("mosquitto_pub", args);
  const { code, stderr } = await child.outcome(DEADLINE_MS);
  return `${code} ${stderr.replace(/^Error: /, "").replace(/\(host.*/s, "").trim()}`.trim();
}

/** Subscribes, has something done, and tells what has come by then, `topic payload`. */
async function receive(
  who: Who,
  filters: readonly string[],
  count: number,
  act: () => Promise<unknown>,
): Promise<string[]> {
  const wanted = filters.flatMap((filter) => ["-t", filter]);
  const limits = ["-C", `${count}`, "-W", "10"];
  const args = ["-oL", "mosquitto_sub", ...who, ...wanted, ...limits, "-q", "1", "-v", "-d"];
  await using child = new Child("stdbuf", args);
  await child.waitFor(/received SUBACK/, "stdout", DEADLINE_MS);
  await act();
  return messagesOf((await child.outcome(DEADLINE_MS)).stdout);
}

/** Subscribes for a while, and tells what came. */
async function listen(who: Who, filter: string): Promise<string[]> {
  const args = [...who, "-t", filter, "-W", SILENCE_SECONDS, "-q", "1", "-v", "-d"];
  await using child = new Child("mosquitto_sub", args);
  const { code, stdout, stderr } = await child.outcome(DEADLINE_MS);
  const isOver = code === 27 || code === 0;
  return isOver ? messagesOf(stdout) : [`${code} ${stderr.trim()}`];
}

function messagesOf(stdout: string): string[] {
  return stdout.split("\n").filter((line) => line !== "" && !/^(Client|Subscribed)\b/.test(line));
}

/** What is done with a broker, and what came of it: the script that both have to pass alike. */
async function script(made: Installation): Promise<Record<string, unknown>> {
  const clients = new Clients(made);
  const alice = clients.user("alice");
  const bob = clients.user("bob");
  const root = clients.user("root");
  const outcomes: Record<string, unknown> = {};

  outcomes["nobody"] = await publish(clients.nobody, "public/a", "x");
  outcomes["wrong password"] = await publish(clients.user("alice", "x"), "works/a", "x");
  outcomes["right password"] = await publish(alice, "works/a", "x");
  outcomes["no permission, 3.1.1"] = await publish(bob, "works/1/level", "x");
  outcomes["no permission, 5"] = await publish(bob, "works/1/level", "x", "-V", "5");
  outcomes["denied"] = await publish(alice, "works/safe/door", "x", "-V", "5");

  outcomes["what bob may read"] = await receive(bob, ["works/#"], 2, async () => {
    await publish(alice, "works/1/level", "3");
    await publish(alice, "works/1/secret", "4");
    await publish(alice, "works/2/level", "5");
  });
  outcomes["a pattern with %u"] = await receive(bob, ["home/#"], 1, async () => {
    await publish(alice, "home/alice/lamp", "on");
    await publish(alice, "home/bob/lamp", "alice was here");
    await publish(root, "home/bob/lamp", "on");
  });
  outcomes["a pattern with %c"] = await receive(
    [...bob, "-i", "screen-3"],
    ["clients/+"],
    1,
    async () => {
      await publish(root, "clients/screen-2", "2");
      await publish(root, "clients/screen-3", "3");
    },
  );
  outcomes["a name with a wildcard"] = await listen([...bob, "-i", "+"], "clients/+");

  await publish(alice, "works/9/level", "kept", "-r");
  outcomes["retained"] = await listen(bob, "works/9/#");
  await publish(root, "works/9/secret", "kept", "-r");
  outcomes["retained, but not for bob"] = await listen(bob, "works/9/#");

  outcomes["a machine"] = await receive(root, ["machines/#"], 2, async () => {
    outcomes["a machine up"] = await publish(clients.machine("pump7"), "machines/pump7/up", "1");
    await publish(clients.machine("pump7"), "machines/pump8/up", "forged");
    await publish(root, "machines/pump8/up", "2");
  });
  outcomes["machines that must not"] = [];
  for (const certificate of [null, "stolen", "intruder"]) {
    const outcome = await publish(clients.machine(certificate), "machines/pump7/up", "x");
    (outcomes["machines that must not"] as string[]).push(outcome.startsWith("0") ? outcome : "no");
  }
  outcomes["down to a machine"] = await receive(
    clients.machine("pump7"),
    ["machines/#"],
    1,
    async () => {
      await publish(root, "machines/pump8/down", "x");
      await publish(root, "machines/pump7/down", "stop");
    },
  );

  outcomes["a screen"] = await screen(made, root);
  outcomes["too large"] = await publish(alice, "works/a", "x".repeat(100_001), "-V", "5");
  outcomes["$SYS for root"] = await receive(
    root,
    ["$SYS/broker/shared_subscriptions/count"],
    1,
    () => Promise.resolve(),
  );
  outcomes["$SYS for alice"] = await listen(alice, "$SYS/broker/shared_subscriptions/count");

  const away = [...bob, "-i", "bob-7", "-c"];
  await listen(away, "works/+/level");
  await publish(alice, "works/5/level", "while away");
  await publish(alice, "works/5/secret", "while away");
  outcomes["kept for who was away"] = await listen(away, "other");
  return outcomes;
}

/** What a client over WebSocket sees. */
async function screen(made: Installation, root: Who): Promise<unknown> {
  const url = `ws://127.0.0.1:${made.ports.web}/mqtt`;
  const refused = await connect(url, { username: "bob", password: "x", reconnect: false }).then(
    () => "let in",
    (error) => error.constructor.name,
  );
  await using client = await connect(url, { username: "bob", password: USERS.bob });
  const messages = await client.subscribe("works/#");
  await publish(root, "works/1/secret", "x");
  await publish(root, "works/1/level", "7");
  const { value } = await messages.next();
  const { maximumQoS } = client.server!;
  return [refused, value?.topic, new TextDecoder().decode(value?.payload), maximumQoS];
}

testWith(
  TOOLS,
  "a mosquitto installation starts Fairway unchanged, and clients see no difference",
  async () => {
    const seen: Record<string, Record<string, unknown>> = {};
    for (const broker of ["mosquitto", "fairway"] as const) {
      await using made = await Installation.make();
      await using child = await made[broker]();
      seen[broker] = await script(made);
      child.signal("SIGTERM");
      const { code } = await child.outcome(DEADLINE_MS);
      assertEquals(code, 0, `${broker}: ${child.stderr}`);
    }
    assertEquals(seen["fairway"], seen["mosquitto"]);
    assertEquals(seen["fairway"]!["right password"], "0");
    assertEquals(seen["fairway"]!["what bob may read"], ["works/1/level 3", "works/2/level 5"]);
  },
);

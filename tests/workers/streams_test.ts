/**
 * Streams with workers: what `server.ts --workers 2 --stream` is to clients that nobody here wrote.
 *
 * @module
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { SERVER_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import { DEADLINE_MS, idOn, listening, start, test } from "./_server.ts";

const HAS_MOSQUITTO = await hasMosquitto();

async function hasMosquitto(): Promise<boolean> {
  try {
    await new Deno.Command("mosquitto_sub", { args: ["--help"], stdout: "null" }).output();
    return true;
  } catch {
    return false;
  }
}

/** Runs a client of mosquitto to its end. Returns what it has printed. */
async function mosquitto(command: string, port: number, ...args: string[]): Promise<string> {
  const all = ["-p", String(port), ...args];
  const { stdout, stderr } = await new Deno.Command(command, { args: all }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** Reads so many messages of a stream, from either worker. */
async function read(port: number, id: string, count: number, ...args: string[]): Promise<string[]> {
  const plain = ["-i", id, "-V", "5", "-q", "1", "-C", String(count), "-W", "60"];
  const text = await mosquitto("mosquitto_sub", port, ...plain, ...args);
  return text.trimEnd().split("\n");
}

function mosquittoTest(name: string, fn: () => Promise<void>): void {
  if (HAS_MOSQUITTO) test(name, fn);
}

mosquittoTest(
  "mosquitto_sub reads a stream by both doors, on either worker, also after kill -9",
  async () => {
    const folder = await Deno.makeTempDir();
    const flags = ["--stream", "day=s/#", "--data", `${folder}/data`];
    const publish = async (port: number, from: number, to: number) => {
      for (let i = from; i <= to; i++) {
        const id = idOn(i % 2, "publisher");
        await mosquitto("mosquitto_pub", port, "-i", id, "-q", "1", "-t", "s/x", "-m", `${i}`);
      }
    };
    try {
      {
        await using server = start(...flags);
        const port = await listening(server);
        await publish(port, 1, 4);
        for (const node of [0, 1]) {
          const offset = ["-D", "subscribe", "user-property", "stream-offset", "since=1h"];
          const byProperty = await read(port, idOn(node, "a"), 4, "-t", "s/#", ...offset);
          assertEquals(byProperty, ["1", "2", "3", "4"], `worker ${node}`);
          const topic = ["-t", "$replay/day/after=2/s/#", "-F", "%t %p"];
          const byTopic = await read(port, idOn(node, "b"), 2, ...topic);
          const below = "$replay/day/after=2/s/x";
          assertEquals(byTopic, [`${below} 3`, `${below} 4`], `worker ${node}`);
        }
        const lasting = ["-c", "-x", "3600", "-t", "$share/g/$replay/day/earliest/s/#"];
        assertEquals(await read(port, idOn(1, "g"), 4, ...lasting), ["1", "2", "3", "4"]);
        const none = await read(port, idOn(1, "c"), 1, "-t", "$replay/none/earliest/#");
        assertStringIncludes(none.join(), "denied");
        // As kill -9 does.
        await server.kill();
      }
      await using server = start(...flags);
      const port = await listening(server);
      await publish(port, 5, 6);
      const lasting = ["-c", "-x", "3600", "-t", "$share/g/$replay/day/earliest/s/#"];
      assertEquals(await read(port, idOn(1, "g"), 2, ...lasting), ["5", "6"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

mosquittoTest("streams of a configuration: $SYS tells the same on each worker", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/conf`;
    await Deno.writeTextFile(
      file,
      "fairway_native_sockets true\nfairway_workers 2\nlog_dest stdout\nsys_interval 1\n" +
        "listener 0 127.0.0.1\nallow_anonymous true\n" +
        "fairway_stream day\nfairway_stream_topic s/#\nfairway_stream_max_age 1d\n",
    );
    await using server = startServer(["-c", file], [...SERVER_PERMISSIONS, "--allow-ffi"]);
    const pattern = /mqtt:\/\/127\.0\.0\.1:(\d+)/;
    const port = Number((await server.waitFor(pattern, "stdout", DEADLINE_MS))[1]);
    const publish = ["-i", idOn(1, "p"), "-q", "1", "-t", "s/x", "-m", "one"];
    await mosquitto("mosquitto_pub", port, ...publish);
    for (const node of [0, 1]) {
      const id = idOn(node, "r");
      const state = ["-t", "$SYS/broker/streams/day/first"];
      assertEquals(await read(port, id, 1, ...state), ["1"], `worker ${node}`);
      assertEquals(await read(port, id, 1, "-t", "$replay/day/earliest/#"), ["one"]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

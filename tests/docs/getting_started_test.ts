/**
 * The page for newcomers does what it says: its commands are run, and print what it prints.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import { BrokerProcess, CONFIG_PERMISSIONS, startServer } from "../harness/broker_process.ts";
import { Child } from "../harness/child.ts";
import { testWith } from "../harness/tools.ts";

const PAGE = new URL("../../docs/getting-started.md", import.meta.url);
const DEADLINE_MS = 60_000;

/** The blocks of a section, by its number: commands, and what is printed. */
async function section(number: number): Promise<{ sh: string[]; text: string[] }> {
  const page = await Deno.readTextFile(PAGE);
  const [, part] = new RegExp(`\n## ${number}\\. [^\n]*\n([^]*?)(?=\n## )`).exec(page)!;
  const blocks = (kind: string) =>
    [...part!.matchAll(new RegExp(`\`\`\`${kind}\n([^]*?)\`\`\``, "g"))].map(([, block]) => block!);
  return { sh: blocks("sh").flatMap((block) => block.trim().split("\n")), text: blocks("text") };
}

/** Runs a line of a client. */
async function publish(line: string, port: number): Promise<{ code: number; stderr: string }> {
  await using child = new Child("sh", ["-c", line.replace("mosquitto_pub", `$& -p ${port}`)]);
  const { code, stderr } = await child.outcome(DEADLINE_MS);
  return { code, stderr };
}

/** Starts a subscriber, which ends after `count` messages, and says when it is subscribed. */
function subscriber(line: string, port: number, count: number): Child {
  const flags = `-p ${port} -C ${count} -W 30 -d`;
  return new Child("sh", ["-c", `exec ${line.replace("mosquitto_sub", `stdbuf -oL $& ${flags}`)}`]);
}

/** What a subscriber printed, without what `-d` adds. */
function messagesOf(stdout: string): string {
  return stdout.replace(/^(Client |Subscribed |\s*).*(?:sending|received|mid:).*\n/gm, "");
}

async function received(child: Child): Promise<string> {
  const { stdout } = await child.outcome(DEADLINE_MS);
  return messagesOf(stdout);
}

testWith(
  ["mosquitto_pub", "mosquitto_sub"],
  "getting started: publish and subscribe, the last value, and what came meanwhile",
  async () => {
    await using broker = await BrokerProcess.start();
    const { port } = broker;
    {
      const { sh: [sub, pub], text: [shown] } = await section(2);
      await using child = subscriber(sub!, port, 1);
      await child.waitFor(/SUBACK/, "stdout", DEADLINE_MS);
      assertEquals(await publish(pub!, port), { code: 0, stderr: "" });
      assertEquals(await received(child), shown);
    }
    {
      const { sh: [pub, sub], text: [shown] } = await section(3);
      assertEquals(await publish(pub!, port), { code: 0, stderr: "" });
      await using child = subscriber(sub!, port, 1);
      assertEquals(await received(child), shown);
    }
    {
      const { sh: [sub, first, second, again], text: [shown] } = await section(4);
      assertEquals(sub, again);
      await using away = subscriber(sub!, port, 1);
      await away.waitFor(/SUBACK/, "stdout", DEADLINE_MS);
      await away.kill();
      for (const line of [first!, second!]) {
        assertEquals(await publish(line, port), { code: 0, stderr: "" });
      }
      await using child = subscriber(again!, port, 2);
      assertEquals(await received(child), shown);
    }
  },
);

testWith(
  ["mosquitto_pub"],
  "getting started: with the file, a client needs the password",
  async () => {
    const { sh: [, , pub], text: [conf] } = await section(5);
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(
        `${folder}/home.conf`,
        conf!.replace("listener 1883", "listener 0 127.0.0.1")
          .replace("password_file passwd", `password_file ${folder}/passwd`) +
          `fairway_data_dir ${folder}/data\n`,
      );
      const passwd = new URL("../../cli/passwd.ts", import.meta.url).pathname;
      const args = [
        "run",
        "-A",
        "--no-check",
        passwd,
        "-b",
        "-c",
        `${folder}/passwd`,
        "ann",
        "pencil",
      ];
      await using account = new Child(Deno.execPath(), args);
      assertEquals((await account.outcome(DEADLINE_MS)).code, 0);
      await using server = startServer(["-c", `${folder}/home.conf`], CONFIG_PERMISSIONS);
      const [, port] = await server.waitFor(
        /mqtt:\/\/127\.0\.0\.1:(\d+) for users of the password file/,
        "stderr",
        DEADLINE_MS,
      );
      assertEquals(await publish(pub!, Number(port)), { code: 0, stderr: "" });
      const refused = await publish(pub!.replace("-u ann -P pencil ", ""), Number(port));
      assertMatch(refused.stderr, /not authori[sz]ed|Connection error/i);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

testWith(
  ["mosquitto_pub", "mosquitto_sub"],
  "getting started: a stream tells the last hour",
  async () => {
    const { sh: [start, first, second, sub], text: [shown] } = await section(6);
    const [, stream] = /--stream '(\S+)'/.exec(start!)!;
    await using broker = await BrokerProcess.start("--stream", stream!);
    for (const line of [first!, second!]) {
      assertEquals(await publish(line, broker.port), { code: 0, stderr: "" });
    }
    await using child = subscriber(sub!, broker.port, 2);
    assertEquals(await received(child), shown);
  },
);

import { assert, assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { Child } from "../harness/child.ts";
import { FileServer } from "../harness/file_server.ts";

/** A program that knows Fairway by its URL only. */
function program(url: string): string {
  return `
    import { Broker } from "${url}";

    const broker = new Broker();
    const listener = await broker.listen({ hostname: "127.0.0.1", port: 0 });
    if (!(listener.port > 0)) throw new Error("No port: " + listener.port);

    const messages = broker.subscribe("greetings/#");
    const receive = async () => {
      for await (const { topic, payload } of messages) {
        return topic + ": " + new TextDecoder().decode(payload);
      }
    };
    const received = receive();
    await broker.publish("greetings/all", "hello", { qos: 1 });
    console.log(await received);
    await broker.close({ graceMs: 1000 });
  `;
}

/** One that keeps something in a directory beside it, on the disk's own thread. */
function storingProgram(url: string): string {
  return `
    import { Batch, SqliteStore } from "${url}";

    const batch = new Batch();
    batch.put("meta", Uint8Array.of(1), new TextEncoder().encode("kept"));
    const first = await SqliteStore.open("data");
    await first.commit(batch);
    await first.close();
    const again = await SqliteStore.open("data");
    const [value] = await again.get("meta", [Uint8Array.of(1)]);
    await again.close();
    console.log(new TextDecoder().decode(value));
  `;
}

/** One that looks at the page of an admin listener. */
function pageProgram(url: string): string {
  return `
    import { listenAdmin } from "${url}";
    import { Broker } from "${url.replace("admin/", "")}";

    await using broker = new Broker();
    await using admin = await listenAdmin(broker, { port: 0 });
    for (const path of ["/", "/page/app.js", "/page/client.js", "/page/style.css"]) {
      const response = await fetch("http://127.0.0.1:" + admin.port + path);
      await response.body?.cancel();
      console.log(path, response.status);
    }
  `;
}

/** Runs a program of one file in a folder with nothing else in it; what it printed is checked. */
async function runByUrl(
  entry: string,
  program: (url: string) => string,
  permissions: string[],
  printed: string,
): Promise<void> {
  await using server = new FileServer();
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/empty`);
    await Deno.writeTextFile(`${folder}/empty/main.ts`, program(`http://${server.host}/${entry}`));
    const flags = ["--no-prompt", "--no-config", "--no-lock", ...permissions];
    await using child = new Child(
      Deno.execPath(),
      ["run", ...flags, `--allow-import=${server.host}`, "main.ts"],
      { cwd: `${folder}/empty`, env: { DENO_DIR: `${folder}/cache`, NO_COLOR: "1" } },
    );
    const { code, stdout, stderr } = await child.outcome(60_000);
    assertEquals({ code, stdout }, { code: 0, stdout: printed }, stderr);
    assert(server.requested.includes(`/${entry}`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("mod.ts imports by its URL alone: no configuration, no install, no cache", async () => {
  await runByUrl("mod.ts", program, ["--allow-net=127.0.0.1"], "greetings/all: hello\n");
});

Deno.test("SqliteStore works by its URL alone, worker and all, within its directory", async () => {
  await runByUrl(
    "store/mod.ts",
    storingProgram,
    ["--allow-read=data", "--allow-write=data"],
    "kept\n",
  );
});

Deno.test("every entry imports without any permission", async () => {
  const program = (url: string) => `import * as fairway from "${url}"; console.log(!!fairway);`;
  for (const path of Object.values(config.exports)) {
    await runByUrl(path.slice(2), program, [], "true\n");
  }
});

Deno.test("the page of the admin listener works by URL alone: its files and libraries are loaded", async () => {
  const printed = "/ 200\n/page/app.js 200\n/page/client.js 200\n/page/style.css 200\n";
  await runByUrl("admin/mod.ts", pageProgram, ["--allow-net=127.0.0.1"], printed);
});

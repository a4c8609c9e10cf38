/**
 * The container, as far as can be told without an engine: the Containerfile is read, its files are
 * copied to a folder, and its commands are run there.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { validate } from "npm:dockerfile-utils@0.16.3";
import { parse } from "npm:yaml@2.9.1";
import { Child } from "../harness/child.ts";
import * as packets from "../harness/packets.ts";
import { RawClient } from "../harness/raw_client.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const FOLDER = `${ROOT}deploy/container`;
const DEADLINE_MS = 180_000;

/** The instructions that there are. */
const INSTRUCTIONS = [
  ...["ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"],
  ...["RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"],
];

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The instructions of the Containerfile, in order. */
async function instructions(): Promise<Instruction[]> {
  const text = await Deno.readTextFile(`${FOLDER}/Containerfile`);
  const lines = text.replace(/^#.*\n/gm, "").replace(/\\\n\s*/g, "").split("\n");
  return lines.filter((line) => line !== "").map((line) => {
    const [, name, text] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    assert(name !== undefined && INSTRUCTIONS.includes(name), line);
    return { name, text: text! };
  });
}

function only(all: readonly Instruction[], name: string): string {
  const found = all.filter((one) => one.name === name);
  assertEquals(found.length, 1, name);
  return found[0]!.text;
}

/** Whether `Containerfile.dockerignore` leaves a file out. */
function isLeftOut(path: string): boolean {
  return /(_test\.ts|\/testdata)$/.test(path);
}

async function copy(from: string, to: string): Promise<void> {
  if (isLeftOut(from)) return;
  if ((await Deno.stat(from)).isFile) {
    await Deno.mkdir(to.replace(/\/[^/]+$/, ""), { recursive: true });
    return await Deno.copyFile(from, to);
  }
  for await (const { name } of Deno.readDir(from)) await copy(`${from}/${name}`, `${to}/${name}`);
}

/** What the image holds, in a folder, with ports that are free here. */
class Image implements AsyncDisposable {
  readonly root: string;
  readonly mqtt = freePort();
  readonly #admin = freePort();

  private constructor(root: string) {
    this.root = root;
  }

  static async make(): Promise<Image> {
    const image = new Image(await Deno.realPath(await Deno.makeTempDir()));
    const all = await instructions();
    const workdir = only(all, "WORKDIR");
    for (const { text } of all.filter(({ name }) => name === "COPY")) {
      const paths = text.split(" ");
      const target = paths.pop()!;
      for (const path of paths) {
        const into = new URL(target, `file://${workdir}/`).pathname;
        const isFolderOfFiles = target.endsWith("/");
        await copy(`${ROOT}${path}`, `${image.root}${into}${isFolderOfFiles ? path : ""}`);
      }
    }
    await Deno.mkdir(`${image.root}/var/lib/fairway`, { recursive: true });
    for (
      const file of [
        "/etc/fairway/fairway.conf",
        "/etc/fairway/conf.d/mosquitto.conf",
        "/opt/fairway/cli/health.ts",
      ]
    ) {
      await Deno.writeTextFile(
        image.root + file,
        image.here(await Deno.readTextFile(image.root + file)),
      );
    }
    return image;
  }

  /** A text of the image, for this machine. */
  here(text: string): string {
    return text.replaceAll(/(?<![\w.])\/(etc|var|opt)\/(?=fairway|lib)/g, `${this.root}/$1/`)
      .replaceAll("9883", `${this.#admin}`)
      .replace("listener 1883", `listener ${this.mqtt} 127.0.0.1`);
  }

  /** Runs a command of the image. */
  run(words: readonly string[]): Child {
    const [command, ...args] = words.map((word) => this.here(word));
    assertEquals(command, "deno");
    return new Child(Deno.execPath(), args, {
      cwd: `${this.root}/opt/fairway`,
      env: { DENO_DIR: `${this.root}/deno-dir`, NO_COLOR: "1" },
    });
  }

  /** Sees that the page is there, with all that it loads first. */
  async hasPage(): Promise<void> {
    const url = `http://127.0.0.1:${this.#admin}/`;
    const page = await (await fetch(url)).text();
    const paths = [...page.matchAll(/(?:src|href)="([^"#:]+)"/g)].map(([, path]) => path!);
    const modules = [...page.matchAll(/"(?:\.?\/)?([\w./-]+\.js)"/g)].map(([, path]) => path!);
    assert(paths.length > 0, page);
    for (const path of new Set([...paths, ...modules])) {
      const response = await fetch(new URL(path, url));
      assertEquals([path, response.status], [path, 200]);
      await response.body?.cancel();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

function freePort(): number {
  using probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return probe.addr.port;
}

Deno.test("a linter finds no fault in the Containerfile", async () => {
  assertEquals(validate(await Deno.readTextFile(`${FOLDER}/Containerfile`)), []);
  assertEquals(validate("FROM a:1\nHEALTHCHECK --intervall=1s CMD x\n").length, 1);
});

Deno.test("the image is of the Deno that CI tests, and does not run as root", async () => {
  const all = await instructions();
  assertEquals(all[0]!.name, "FROM");
  const [, version] = /denoland\/deno:(\S+)$/.exec(only(all, "FROM"))!;
  assert((await Deno.readTextFile(`${ROOT}.ci/run`)).includes(`deno@${version}`), version);
  const names = all.map(({ name }) => name);
  assertEquals(only(all, "USER"), "deno");
  assert(names.indexOf("USER") > names.lastIndexOf("RUN"));
  assert(names.indexOf("USER") < names.indexOf("ENTRYPOINT"));
  assertEquals(only(all, "VOLUME"), "/var/lib/fairway");
  assertEquals(only(all, "STOPSIGNAL"), "SIGTERM");
});

Deno.test("what .dockerignore leaves out is what the test leaves out", async () => {
  const text = await Deno.readTextFile(`${FOLDER}/Containerfile.dockerignore`);
  const patterns = text.split("\n").filter((line) => line.includes("*"));
  assertEquals(patterns, ["**/*_test.ts", "**/testdata"]);
});

Deno.test("the container starts with the files it has, is healthy, keeps its state and stops", async () => {
  await using image = await Image.make();
  const all = await instructions();
  const cache = all.find(({ text }) => text.startsWith("deno cache"))!.text.split(" && ")[0]!;
  {
    await using child = image.run(cache.split(" "));
    const { code, stderr } = await child.outcome(DEADLINE_MS);
    assertEquals(code, 0, stderr);
  }
  const start: string[] = [
    ...JSON.parse(only(all, "ENTRYPOINT")),
    ...JSON.parse(only(all, "CMD")),
  ];
  const health: string[] = JSON.parse(/CMD (\[.*\])$/.exec(only(all, "HEALTHCHECK"))![1]!);
  for (const flags of ["20 02 00 00", "20 02 01 00"]) {
    await using server = image.run(start);
    await server.waitFor(/Listening on mqtt:/, "stderr", DEADLINE_MS);
    await using client = await RawClient.dial(image.mqtt);
    await client.send(packets.connect({ clientId: "c", clean: false }));
    await client.expect(flags);
    await using check = image.run(health);
    assertEquals((await check.outcome(DEADLINE_MS)).code, 0);
    await image.hasPage();
    server.signal("SIGTERM");
    assertEquals((await server.outcome(DEADLINE_MS)).code, 0);
  }
  await using check = image.run(health);
  assertEquals((await check.outcome(DEADLINE_MS)).code, 1);
});

Deno.test("compose.yaml mounts what there is, publishes to this machine, and lets the broker stop", async () => {
  const { services, volumes } = parse(await Deno.readTextFile(`${FOLDER}/compose.yaml`));
  const service = services.fairway;
  assert((await Deno.stat(`${FOLDER}/${service.build.context}/deno.json`)).isFile);
  const file = `${FOLDER}/${service.build.context}/${service.build.dockerfile}`;
  assert((await Deno.stat(file)).isFile);
  for (const port of service.ports) assertMatch(port, /^127\.0\.0\.1:/);
  const [state, config] = service.volumes;
  assertEquals(Object.keys(volumes), [state.split(":")[0]]);
  assertEquals(state.split(":")[1], only(await instructions(), "VOLUME"));
  const [source, target, mode] = config.split(":");
  assert((await Deno.stat(`${FOLDER}/${source}`)).isFile);
  assertEquals([target, mode], ["/etc/fairway/conf.d/mosquitto.conf", "ro"]);
  assertEquals(service.stop_grace_period, "10s");
});

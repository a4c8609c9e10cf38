/**
 * The client and the codec in Node and Bun, from their sources: both runtimes strip the types, and
 * know nothing else of TypeScript.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { scramAuthenticator, scramCredential } from "../../auth/mod.ts";
import { AUTHORITY, CERTIFICATE, PRIVATE_KEY } from "../../client/testdata/certificate.ts";
import { Broker } from "../../mod.ts";
import { Child } from "../harness/child.ts";
import { runtimeCommand, testWith } from "../harness/tools.ts";

const DEADLINE_MS = 60_000;
const ROOT = new URL("../../", import.meta.url);
const PROGRAM = new URL("_program.mjs", import.meta.url).pathname;

/** Runs the program with a broker on every transport; returns what it has printed. */
async function run(tool: "bun" | "node24"): Promise<string> {
  const folder = await Deno.makeTempDir();
  const ann = await scramCredential("secret");
  const store = { find: (name: string) => name === "ann" ? ann : null };
  await using broker = new Broker();
  await using strict = new Broker({ authenticator: scramAuthenticator({ store }) });
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const tls = { cert: CERTIFICATE, key: PRIVATE_KEY };
  const path = `${folder}/socket`;
  const [plain, secure, web, _, scram] = await Promise.all([
    broker.listen({ port: 0 }),
    broker.listen({ port: 0, tls }),
    broker.listen({ port: 0, webSocket: true }),
    broker.listen({ path }),
    strict.listen({ port: 0 }),
  ]);
  const settings = {
    urls: [
      `mqtt://127.0.0.1:${plain.port}`,
      `mqtts://localhost:${secure.port}`,
      `ws://127.0.0.1:${web.port}`,
      `unix:${path}`,
    ],
    caCerts: [AUTHORITY],
    scramUrl: `mqtt://127.0.0.1:${scram.port}`,
    silentUrl: `mqtt://127.0.0.1:${silent.addr.port}`,
    // Nobody who listens, nobody of that name, and a certificate of an unknown authority.
    refused: ["mqtt://127.0.0.1:1", `unix:${folder}/none`, `mqtts://localhost:${secure.port}`],
  };
  try {
    const args = [PROGRAM, ROOT.href, JSON.stringify(settings)];
    await using child = new Child(runtimeCommand(tool) ?? tool, args, { cwd: folder });
    const { code, stdout, stderr } = await child.outcome(DEADLINE_MS);
    assertEquals(code, 0, stdout + stderr);
    return stdout;
  } finally {
    await broker.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const PRINTED = "echo mqtt:\necho mqtts:\necho ws:\necho unix:\nscram\nrefused\n";

testWith(["node24"], "the client and the codec run in Node 24, on every transport", async () => {
  assertEquals(await run("node24"), PRINTED);
});

testWith(["bun"], "the client and the codec run in Bun, on every transport", async () => {
  assertEquals(await run("bun"), PRINTED);
});

import { assertEquals, assertRejects } from "@std/assert";
import { Broker } from "../broker.ts";
import { type AnyListenOptions, checkListenOptions, webSocketOf } from "./listen_options.ts";

const IDENTITY = { cert: "", key: "" };

Deno.test("listen() refuses an option that would have no effect, and says where it belongs", async () => {
  const cases: [options: Record<string, unknown>, message: string][] = [
    [{ port: 0, cert: "PEM", key: "PEM" }, "Cannot listen with cert: it belongs to tls"],
    [{ port: 0, clientCertificate: "require" }, "clientCertificate: it belongs to tls"],
    [{ port: 0, origins: [] }, "origins: it belongs to webSocket"],
    [{ prot: 0 }, "Cannot listen with prot: there is no such option"],
    [{ port: 0, mode: 0o660 }, "mode: it is for a Unix socket"],
    [{ port: 0, path: "/mqtt" }, "path and port: path is that of a Unix socket; the path of Web"],
    [{ hostname: "::1", path: "/run/mqtt" }, "path and hostname"],
    [{ path: "/run/mqtt", tls: IDENTITY }, "path and tls"],
    [{ path: "/run/mqtt", proxy: { from: [] } }, "path and proxy"],
  ];
  await using broker = new Broker();
  for (const [options, message] of cases) {
    await assertRejects(() => broker.listen(options as AnyListenOptions), TypeError, message);
  }
});

Deno.test("every option of listen() goes with its transport", () => {
  const shared = { lenient: true, policy: {}, webSocket: true };
  checkListenOptions({});
  checkListenOptions({ hostname: "::1", port: 1, proxy: { from: [] }, ...shared });
  checkListenOptions({ hostname: "::1", port: 1, tls: IDENTITY, proxy: { from: [] }, ...shared });
  checkListenOptions({ path: "/run/mqtt", mode: 0o660, ...shared });
});

Deno.test("webSocket is true, false, or which WebSockets are taken", () => {
  assertEquals(webSocketOf({ webSocket: true }), {});
  assertEquals(webSocketOf({ webSocket: false }), undefined);
  assertEquals(webSocketOf({}), undefined);
  assertEquals(webSocketOf({ webSocket: { path: "/mqtt" } }), { path: "/mqtt" });
});

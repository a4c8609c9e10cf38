import { assertEquals, assertMatch } from "@std/assert";
import { Browser } from "../tests/harness/chromium.ts";
import { testWith } from "../tests/harness/tools.ts";
import { answer, serve } from "./web_page/server.ts";

testWith(
  ["chromium"],
  "web_page: the page shows the lamp, and says when it is closed",
  async () => {
    await using site = await serve(0, 0);
    const pages = site.broker.subscribe("pages/+");
    const next = async () => {
      const { value } = await pages.next();
      return new TextDecoder().decode(value!.payload);
    };
    await site.broker.publish("lamp", "on", { retain: true });
    {
      await using _browser = await Browser.open(`${site.origin}/`);
      assertEquals(await next(), "unknown");
      assertEquals(await next(), "on");
      await site.broker.publish("lamp", "off", { retain: true });
      assertEquals(await next(), "off");
    }
    assertEquals(await next(), "");
  },
);

Deno.test("web_page: the files of the client are JavaScript, and no others are served", async () => {
  const get = (path: string) => answer(new Request(`http://x${path}`), "ws://127.0.0.1:1");
  const page = await (await get("/")).text();
  assertMatch(page, /connect\("ws:\/\/127\.0\.0\.1:1"/);
  const source = await get("/client/mod.ts");
  assertEquals(source.headers.get("content-type"), "text/javascript; charset=utf-8");
  assertEquals((await source.text()).includes("export type"), false);
  for (const path of ["/server.ts", "/client/../deno.json", "/client/none.ts", "/deno.json"]) {
    const { status, body } = await get(path);
    await body?.cancel();
    assertEquals(status, 404, path);
  }
});

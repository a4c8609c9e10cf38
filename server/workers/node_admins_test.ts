import { assertEquals, assertRejects } from "@std/assert";
import { RequestError } from "../../admin/http/request_error.ts";
import { NodeAdmins, type NodeRequest } from "./node_admins.ts";

Deno.test("a node that does not run is told with 503; what all know, another one is asked", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => new Response(new URL(request.url).pathname),
  );
  const admins = new NodeAdmins([null, server.addr.port], null);
  const request: NodeRequest = {
    method: "GET",
    path: "/asked",
    query: new URLSearchParams(),
    headers: new Headers(),
    body: null,
    signal: null,
  };
  for (const asked of [() => admins.ask(0, request), () => admins.all(() => request)]) {
    const error = await assertRejects(asked, RequestError, "Worker 0 does not answer");
    assertEquals([error.status, error.headers["retry-after"]], [503, "1"]);
  }
  assertEquals(await (await admins.any(request)).text(), "/asked");
  admins.close();
});

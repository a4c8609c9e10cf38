import { assertEquals, assertStringIncludes } from "@std/assert";
import { FileServer } from "./file_server.ts";

/** The answer to a request with exactly this path, which `fetch()` would tidy up. */
async function statusOf(host: string, path: string): Promise<string> {
  const [hostname, port] = host.split(":");
  using connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const answer = await new Response(connection.readable).text();
  return answer.split("\r\n")[0]!;
}

Deno.test("FileServer serves the modules of the repository", async () => {
  await using server = new FileServer();
  const response = await fetch(`http://${server.host}/deno.json`);
  assertEquals(response.headers.get("content-type"), "application/json");
  assertStringIncludes(await response.text(), '"@fairway/mqtt"');
});

Deno.test("FileServer serves nothing outside, nothing hidden and nothing but modules", async () => {
  await using server = new FileServer();
  const paths = ["/../a.json", "/..%2fa.json", "//etc/a.json", "/%2e%2e/a.json"];
  for (const path of [...paths, "/.git/x.ts", "/tests", "/LICENSE", "/none.ts"]) {
    assertEquals(await statusOf(server.host, path), "HTTP/1.1 404 Not Found", path);
  }
});

/**
 * A web page that is an MQTT client: it shows a lamp and switches it. The page loads Fairway's
 * client as it is in the repository. Browsers do not read TypeScript, so the server strips the types
 * when a file is asked for. No build step is needed.
 *
 *     deno run --allow-net --allow-read examples/web_page/server.ts
 *     mosquitto_pub -t lamp -m on -r
 *
 * Then open http://127.0.0.1:8000, also twice.
 *
 * @module
 */
import { stripTypeScriptTypes } from "node:module";
import { Broker } from "@fairway/mqtt";

const ROOT = new URL("../../", import.meta.url);
/** What a page may load: the client, and the folders whose files it imports. */
const SOURCE_REGEXP = /^\/(?:auth|client|codec|flow|log|router|transport)\/[\w/]+\.ts$/;

/** Answers a request for the page, or for a file of the client. */
export async function answer(request: Request, brokerUrl: string): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/") {
    const page = await Deno.readTextFile(new URL("./page.html", import.meta.url));
    const headers = { "content-type": "text/html; charset=utf-8" };
    return new Response(page.replace("BROKER", brokerUrl), { headers });
  }
  if (!SOURCE_REGEXP.test(pathname)) return new Response(null, { status: 404 });
  try {
    const source = await Deno.readTextFile(new URL(`.${pathname}`, ROOT));
    const headers = { "content-type": "text/javascript; charset=utf-8" };
    return new Response(stripTypeScriptTypes(source), { headers });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return new Response(null, { status: 404 });
  }
}

/** Where the page is, what has its broker, and how both end. */
export interface Site extends AsyncDisposable {
  readonly origin: string;
  readonly broker: Broker;
}

/** Serves the page, and a broker that takes WebSockets from this page only. */
export async function serve(port: number, webSocketPort: number): Promise<Site> {
  const broker = new Broker();
  let brokerUrl = "";
  const hostname = "127.0.0.1";
  const server = Deno.serve(
    { hostname, port, onListen: () => {} },
    (request) => answer(request, brokerUrl),
  );
  const origin = `http://${hostname}:${server.addr.port}`;
  const webSocket = { origins: [origin] };
  const listener = await broker.listen({ hostname, port: webSocketPort, webSocket });
  brokerUrl = `ws://${hostname}:${listener.port}`;
  return {
    origin,
    broker,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await broker.close();
    },
  };
}

if (import.meta.main) {
  const { origin, broker } = await serve(8000, 8080);
  await broker.listen({ hostname: "127.0.0.1" });
  // deno-lint-ignore no-console
  console.log(origin);
}

/**
 * A service over HTTP that decides who may come in, through a whole broker.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Broker } from "../../mod.ts";
import { connect, ConnectError, PublishError, SubscribeError } from "../../client/mod.ts";
import { HttpHook, type HttpHookOptions } from "../../auth/mod.ts";
import { ReasonCode } from "../../codec/mod.ts";
import { within } from "../harness/deadline.ts";

type Handler = (
  body: Record<string, unknown>,
  from: Deno.NetAddr,
) => Response | Promise<Response>;

interface HookOptions extends HttpHookOptions {
  /** Whether the service is asked what clients may do, too; true by default. */
  isAuthorizer?: boolean;
}

/** Runs a test with a service, a hook that asks it and a broker that has the hook. */
async function withHook(
  handler: Handler,
  { isAuthorizer = true, ...options }: HookOptions,
  test: (url: string, hook: HttpHook) => Promise<void>,
): Promise<void> {
  const answer = async (request: Request, { remoteAddr }: { remoteAddr: Deno.Addr }) =>
    await handler(await request.json(), remoteAddr as Deno.NetAddr);
  await using service = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  const url = `http://127.0.0.1:${service.addr.port}/`;
  using hook = new HttpHook({ authenticateUrl: url, authorizeUrl: url, ...options });
  await using broker = new Broker({
    authenticator: hook,
    authorizer: isAuthorizer ? hook : null,
  });
  const { port } = await broker.listen({ port: 0 });
  await test(`mqtt://127.0.0.1:${port}`, hook);
}

Deno.test("a service decides who comes in and what they do", () => {
  const decide: Handler = ({ action, password, topic, filter }) =>
    Response.json({ allow: [password, topic, filter].includes("good"), action });
  return withHook(decide, {}, async (url, hook) => {
    const opening = connect(url, { username: "ann", password: "bad", reconnect: false });
    const { reasonCode } = await assertRejects(() => opening, ConnectError);
    assertEquals(reasonCode, ReasonCode.NotAuthorized);
    await using client = await connect(url, { username: "ann", password: "good" });
    await client.publish("good", "x", { qos: 1 });
    await assertRejects(() => client.publish("bad", "x", { qos: 1 }).completed, PublishError);
    const good = client.subscribe("good");
    await good.ready;
    await assertRejects(() => client.subscribe("bad").ready, SubscribeError);
    assertEquals(hook.stats, { asked: 6, remembered: 0, shared: 0, busy: 0, failed: 0 });
    await client.publish("good", "again", { qos: 1 });
    assertEquals(hook.stats.remembered, 1);
  });
});

Deno.test("a service is asked over connections that are kept", () => {
  const ports = new Set<number>();
  const notice: Handler = (_, { port }) => {
    ports.add(port);
    return Response.json({ allow: true });
  };
  return withHook(notice, { allowCacheMs: 0, requestsMax: 2 }, async (url, hook) => {
    for (let n = 0; n < 20; n++) await (await connect(url, { username: `u${n}` })).close();
    assertEquals(hook.stats.asked, 20);
    assert(ports.size <= 2, `${ports.size} connections`);
  });
});

Deno.test("a service that hangs holds up nobody who is in, and no queue grows", async () => {
  const silence = Promise.withResolvers<void>();
  const hang: Handler = async ({ username }) => {
    if (username !== "early") await silence.promise;
    return Response.json({ allow: true });
  };
  const options = { isAuthorizer: false, requestsMax: 2, waitingMax: 3 };
  await withHook(hang, options, async (url, hook) => {
    await using early = await connect(url, { username: "early" });
    const codes: (number | null)[] = [];
    const fiveRefused = Promise.withResolvers<void>();
    const opening = Array.from({ length: 10 }, async (_, n) => {
      try {
        await (await connect(url, { username: `u${n}`, reconnect: false })).close();
        codes.push(0);
      } catch (error) {
        if (codes.push((error as ConnectError).reasonCode) === 5) fiveRefused.resolve();
      }
    });
    await within("five refusals", fiveRefused.promise);
    assertEquals(hook.stats.busy, 5);
    await early.publish("a", "still here", { qos: 1 });
    silence.resolve();
    await within("the others", Promise.all(opening));
    assertEquals(codes, [...Array(5).fill(ReasonCode.ServerUnavailable), 0, 0, 0, 0, 0]);
  });
});

Deno.test("a service that is gone lets nobody in", () =>
  withHook(() => Response.json({ allow: true }), {
    authenticateUrl: "http://127.0.0.1:1/",
  }, async (url, hook) => {
    for (const protocolVersion of [4, 5] as const) {
      const opening = connect(url, { username: "ann", protocolVersion, reconnect: false });
      const { reasonCode } = await assertRejects(() => opening, ConnectError);
      assertEquals(reasonCode, ReasonCode.ServerUnavailable);
    }
    assertEquals(hook.stats.failed, 2);
  }));

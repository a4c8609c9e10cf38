import { assert, assertEquals, assertThrows } from "@std/assert";
import { ReasonCode } from "../codec/mod.ts";
import { VirtualClock } from "../tests/harness/virtual_clock.ts";
import type { Fetch } from "./fetch_text.ts";
import { HttpHook } from "./http.ts";
import type { HttpHookOptions } from "./http_options.ts";
import { client, publication, request, subscription } from "./testdata/requests.ts";

const { Success, BadUserNameOrPassword, NotAuthorized, ServerUnavailable } = ReasonCode;

/** A service that answers when the test says so. */
class FakeService {
  readonly clock = new VirtualClock();
  readonly asked: { url: string; body: Record<string, unknown>; init: RequestInit }[] = [];
  readonly failures: string[] = [];
  /** Answers of the service, in turn; without one it says nothing. */
  answers: (() => Response)[] = [];
  #pending: PromiseWithResolvers<Response>[] = [];

  hook(options: Partial<HttpHookOptions> = {}): HttpHook {
    return new HttpHook({
      authenticateUrl: "http://user:secret@service/in?key=secret",
      authorizeUrl: "http://service/may",
      fetch: this.#fetch,
      clock: this.clock,
      failed: ({ message }) => this.failures.push(message),
      ...options,
    });
  }

  /** Answers the question that has waited longest. */
  answer(response: Response): void {
    this.#pending.shift()!.resolve(response);
  }

  readonly #fetch: Fetch = (url, init) => {
    this.asked.push({ url: `${url}`, body: JSON.parse(`${init.body}`), init });
    const answer = this.answers.shift();
    if (answer !== undefined) return Promise.resolve(answer());
    const pending = Promise.withResolvers<Response>();
    this.#pending.push(pending);
    init.signal!.addEventListener("abort", () => pending.reject(init.signal!.reason));
    return pending.promise;
  };
}

const json = (value: unknown, status = 200) => () => Response.json(value, { status });
const empty = (status: number) => () => new Response(null, { status });
const ann = request({ username: "ann", password: "pencil" });

Deno.test("HttpHook asks in JSON whether a client may come in", async () => {
  const service = new FakeService();
  service.answers = [json({ allow: true })];
  const hook = service.hook({ headers: { authorization: "Bearer x" } });
  assertEquals(await hook.authenticate(ann), { reasonCode: Success });
  const { body, init } = service.asked[0]!;
  assertEquals(body, {
    action: "connect",
    clientId: "client",
    username: "ann",
    address: "memory",
    protocolVersion: 5,
    password: "pencil",
    userProperties: [],
  });
  assertEquals(init.redirect, "manual");
  assertEquals(init.headers, {
    "authorization": "Bearer x",
    "content-type": "application/json",
  });
});

Deno.test("HttpHook sends a password that is no text in base 64", async () => {
  const service = new FakeService();
  service.answers = [empty(204)];
  await service.hook().authenticate({ ...ann, password: Uint8Array.of(0xff, 0) });
  const { body } = service.asked[0]!;
  assertEquals([body.password, body.passwordBase64], [undefined, "/wA="]);
});

Deno.test("HttpHook reads a status or an answer, and takes all else for none", async () => {
  const cases: [answer: () => Response, reasonCode: number, fault?: string][] = [
    [json({ allow: true }), Success],
    [empty(204), Success],
    [json({ allow: false }), NotAuthorized],
    [empty(401), BadUserNameOrPassword],
    [empty(403), NotAuthorized],
    [json({ allow: true }, 201), ServerUnavailable, "the answer has status 201"],
    [json({ allow: true }, 500), ServerUnavailable, "the answer has status 500"],
    [empty(302), ServerUnavailable, "the answer has status 302"],
    [json({}), ServerUnavailable, 'the answer has no "allow", true or false'],
    [json({ allow: "true" }), ServerUnavailable, 'the answer has no "allow", true or false'],
    [json([true]), ServerUnavailable, "the answer is no object"],
    [json(null), ServerUnavailable, "the answer is no object"],
    [() => new Response("secret"), ServerUnavailable, "the answer is no JSON"],
    [() => new Response(""), ServerUnavailable, "the answer is no JSON"],
    [json({ allow: true, username: 1 }), ServerUnavailable, 'a "username" that is no text'],
    [json({ allow: true, expiresAt: "1" }), ServerUnavailable, "is no number"],
    [json({ allow: true, acl: { publish: ["#/a"] } }), ServerUnavailable, "# before its last"],
    [() => new Response("x".repeat(65_537)), ServerUnavailable, "longer than 65536 bytes"],
    [
      () => {
        throw new TypeError("error for http://service/in?key=secret");
      },
      ServerUnavailable,
      "no whole answer",
    ],
  ];
  for (const [answer, reasonCode, fault] of cases) {
    const service = new FakeService();
    service.answers = [answer];
    const hook = service.hook();
    assertEquals((await hook.authenticate(ann)).reasonCode, reasonCode);
    assertEquals(hook.stats.failed, fault === undefined ? 0 : 1);
    if (fault === undefined) continue;
    assert(service.failures[0]!.startsWith("Cannot ask http://service/in: "), service.failures[0]);
    assert(service.failures[0]!.includes(fault), service.failures[0]);
    assert(!service.failures[0]!.includes("secret"));
  }
});

Deno.test("HttpHook grants what the answer says", async () => {
  const service = new FakeService();
  const acl = { publish: ["out/%u/%c"] };
  service.answers = [json({ allow: true, username: "bob", acl, expiresAt: 1_700_000_000 })];
  const { authorizer, ...rest } = await service.hook().authenticate(ann);
  assertEquals(rest, { reasonCode: 0, username: "bob", expiresAtMs: 1_700_000_000_000 });
  const bob = { ...client, username: "bob" };
  assertEquals(authorizer!.mayPublish(bob, publication("out/bob/client")), true);
  assertEquals(authorizer!.mayPublish(bob, publication("out/ann/client")), false);
});

Deno.test("HttpHook asks what a client may do, and remembers the answer", async () => {
  const service = new FakeService();
  service.answers = [json({ allow: true }), empty(403)];
  const hook = service.hook();
  assertEquals(await hook.mayPublish(client, publication("a")), true);
  assertEquals(await hook.maySubscribe(client, subscription("a/#")), false);
  // At once, without a promise.
  assertEquals(hook.mayPublish(client, publication("a")), true);
  assertEquals(hook.maySubscribe(client, subscription("a/#")), false);
  assertEquals(hook.stats, { asked: 2, remembered: 2, shared: 0, busy: 0, failed: 0 });
  const subject = { clientId: "client", username: "ann", address: "memory", protocolVersion: 5 };
  assertEquals(service.asked.map(({ body }) => body), [
    { action: "publish", ...subject, topic: "a", qos: 0, retain: false, will: false },
    { action: "subscribe", ...subject, filter: "a/#", qos: 0, group: null },
  ]);
  assertEquals(service.asked[0]!.url, "http://service/may");
});

Deno.test("HttpHook remembers a yes and a no, each for its time", async () => {
  const service = new FakeService();
  const hook = service.hook({ allowCacheMs: 60, denyCacheMs: 10 });
  service.answers = [empty(204), empty(401)];
  const bob = { ...ann, username: "bob" };
  await hook.authenticate(ann);
  await hook.authenticate(bob);
  await service.clock.advance(9);
  // From the same machine; the port counts for nothing, the password does.
  assertEquals((await hook.authenticate(ann)).reasonCode, Success);
  assertEquals((await hook.authenticate(bob)).reasonCode, BadUserNameOrPassword);
  await service.clock.advance(1);
  service.answers = [empty(204)];
  assertEquals((await hook.authenticate(bob)).reasonCode, Success);
  await service.clock.advance(49);
  assertEquals((await hook.authenticate(ann)).reasonCode, Success);
  await service.clock.advance(1);
  service.answers = [empty(403)];
  assertEquals((await hook.authenticate(ann)).reasonCode, NotAuthorized);
  assertEquals(hook.stats, { asked: 4, remembered: 3, shared: 0, busy: 0, failed: 0 });
  hook.forget();
  service.answers = [empty(204)];
  assertEquals((await hook.authenticate(ann)).reasonCode, Success);
});

Deno.test("HttpHook knows a question by all but the port it comes from", async () => {
  const service = new FakeService();
  const hook = service.hook();
  const from = (address: string) => ({ ...ann, address });
  service.answers = Array.from({ length: 6 }, () => empty(204));
  await hook.authenticate(from("10.0.0.1:50000"));
  await hook.authenticate(from("10.0.0.1:50001"));
  assertEquals(hook.stats.asked, 1);
  await hook.authenticate(from("10.0.0.2:50000"));
  await hook.authenticate({ ...from("10.0.0.1:50000"), password: new Uint8Array() });
  await hook.authenticate({ ...from("10.0.0.1:50000"), clientId: "other" });
  const certificate = { subject: "CN=ann", commonName: "ann", fingerprint256: "00" };
  await hook.authenticate({ ...from("10.0.0.1:50000"), certificate });
  assertEquals(service.asked.at(-1)!.body.certificate, certificate);
  await hook.authenticate({ ...from("10.0.0.1:50000"), userProperties: [["a", "b"]] });
  assertEquals([hook.stats.asked, hook.stats.remembered], [6, 1]);
});

Deno.test("HttpHook remembers no more than it may, and no failure", async () => {
  const service = new FakeService();
  const hook = service.hook({ allowCacheEntriesMax: 2, denyCacheEntriesMax: 1 });
  const may = async (topic: string, status: number) => {
    service.answers = [empty(status)];
    await hook.mayPublish(client, publication(topic));
    service.answers = [];
  };
  for (const topic of ["a", "b", "c"]) await may(topic, 204);
  for (const topic of ["x", "y"]) await may(topic, 403);
  assertEquals(hook.mayPublish(client, publication("c")), true);
  assertEquals(hook.mayPublish(client, publication("b")), true);
  assertEquals(hook.mayPublish(client, publication("y")), false);
  await may("a", 500);
  await may("a", 500);
  assertEquals([hook.stats.asked, hook.stats.failed], [7, 2]);
});

Deno.test("HttpHook gives an answer that is under way to all who ask the same", async () => {
  const service = new FakeService();
  const hook = service.hook();
  const answers = [1, 2, 3].map(() => hook.authenticate(ann));
  await service.clock.settle();
  assertEquals(service.asked.length, 1);
  service.answer(empty(204)());
  assertEquals((await Promise.all(answers)).map(({ reasonCode }) => reasonCode), [0, 0, 0]);
  assertEquals(hook.stats.shared, 2);
});

Deno.test("HttpHook asks no more at once, and lets no more wait, than it may", async () => {
  const service = new FakeService();
  const hook = service.hook({ requestsMax: 2, waitingMax: 3 });
  const codes: Record<string, number> = {};
  for (let n = 0; n < 6; n++) {
    const username = `u${n}`;
    hook.authenticate({ ...ann, username }).then(({ reasonCode }) => codes[username] = reasonCode);
  }
  await service.clock.settle();
  assertEquals(service.asked.length, 2);
  assertEquals(codes, { u5: ServerUnavailable });
  assertEquals(hook.stats.busy, 1);
  for (let n = 0; n < 5; n++) {
    service.answer(empty(204)());
    await service.clock.settle();
    assert(service.asked.length <= n + 3);
  }
  assertEquals(service.asked.map(({ body }) => body.username), ["u0", "u1", "u2", "u3", "u4"]);
  assertEquals(codes, { u0: 0, u1: 0, u2: 0, u3: 0, u4: 0, u5: ServerUnavailable });
});

Deno.test("HttpHook waits no longer than it may, for its turn or an answer", async () => {
  const service = new FakeService();
  const hook = service.hook({ requestsMax: 1, timeoutMs: 100 });
  const codes: number[] = [];
  const note = ({ reasonCode }: { reasonCode: number }) => codes.push(reasonCode);
  hook.authenticate({ ...ann, username: "u1" }).then(note);
  hook.authenticate({ ...ann, username: "u2" }).then(note);
  await service.clock.advance(50);
  hook.authenticate({ ...ann, username: "u3" }).then(note);
  await service.clock.advance(49);
  assertEquals(codes, []);
  await service.clock.advance(1);
  assertEquals(codes, [ServerUnavailable, ServerUnavailable]);
  // The place has become free, at last for the one who still waits.
  assertEquals(service.asked.at(-1)!.body.username, "u3");
  while (codes.length < 3) {
    service.answer(empty(204)());
    await service.clock.settle();
  }
  assertEquals(codes, [ServerUnavailable, ServerUnavailable, Success]);
  assertEquals(hook.stats.failed, 2);
});

Deno.test("HttpHook is closed when it fails, and open only if it is told to", async () => {
  const service = new FakeService();
  for (const failOpen of [false, true]) {
    service.answers = [empty(500), empty(500), empty(403)];
    const hook = service.hook({ failOpen });
    const code = (await hook.authenticate(ann)).reasonCode;
    assertEquals(code, failOpen ? Success : ServerUnavailable);
    assertEquals(await hook.mayPublish(client, publication("a")), failOpen);
    // A no is a no.
    assertEquals(await hook.mayPublish(client, publication("b")), false);
  }
});

Deno.test("HttpHook without a URL for a question says no", async () => {
  const service = new FakeService();
  const authorizing = new HttpHook({ authorizeUrl: "http://service/may" });
  assertEquals((await authorizing.authenticate(ann)).reasonCode, BadUserNameOrPassword);
  const authenticating = new HttpHook({ authenticateUrl: new URL("https://service/in") });
  assertEquals(authenticating.mayPublish(client, publication("a")), false);
  assertEquals(authenticating.maySubscribe(client, subscription("a")), false);
  assertEquals(service.asked, []);
});

Deno.test("HttpHook gives up everything when it is closed", async () => {
  const service = new FakeService();
  const hook = service.hook({ requestsMax: 1 });
  const asked = [hook.authenticate(ann), hook.mayPublish(client, publication("a"))];
  await service.clock.settle();
  hook[Symbol.dispose]();
  assertEquals(await Promise.all(asked), [{ reasonCode: ServerUnavailable }, false]);
  assertEquals((await hook.authenticate(ann)).reasonCode, ServerUnavailable);
  assertEquals(service.asked.length, 1);
  assertEquals(service.failures, []);
});

Deno.test("HttpHook refuses settings that make no sense, and shows no secret", () => {
  assertThrows(() => new HttpHook({}), TypeError, "neither authenticateUrl nor authorizeUrl");
  for (const url of ["", "service", "ftp://service", "file:///etc/passwd"]) {
    const error = assertThrows(() => new HttpHook({ authorizeUrl: url }), TypeError, "https://");
    assert(!(error as Error).message.includes("service"));
  }
  const url = "http://service/";
  assertThrows(
    () => new HttpHook({ authorizeUrl: url, requestsMax: 0 }),
    RangeError,
    "requestsMax",
  );
  assertThrows(() => new HttpHook({ authorizeUrl: url, timeoutMs: NaN }), RangeError, "timeoutMs");
  assertThrows(() => new HttpHook({ authorizeUrl: url, waitingMax: -1 }), RangeError, "waitingMax");
});

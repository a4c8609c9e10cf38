import { assert, assertEquals, assertRejects } from "@std/assert";
import { generateKeyPairSync } from "node:crypto";
import * as jose from "npm:jose@6.2.17";
import { ReasonCode } from "../codec/mod.ts";
import { VirtualClock } from "../tests/harness/virtual_clock.ts";
import type { Authenticator, Decision } from "./authenticator.ts";
import type { Fetch } from "./fetch_text.ts";
import { jwtAuthenticator } from "./jwt.ts";
import type { JwtOptions } from "./jwt_options.ts";
import { client, publication, request, subscription } from "./testdata/requests.ts";

const { Success, BadUserNameOrPassword, NotAuthorized, ServerUnavailable } = ReasonCode;
const NOW_MS = 1_700_000_000_000;
const NOW_SECONDS = NOW_MS / 1000;
const SECRET = new TextEncoder().encode("a secret of thirty-two bytes, or more");

type Claims = Record<string, unknown>;
type SigningKey = Parameters<jose.SignJWT["sign"]>[0];

const usual: Claims = { sub: "ann", exp: NOW_SECONDS + 60, iss: "maker", aud: "broker" };

function sign(claims: Claims, key: SigningKey = SECRET, header: object = {}): Promise<string> {
  return new jose.SignJWT(claims).setProtectedHeader({ alg: "HS256", ...header }).sign(key);
}

function verifying(options: Partial<JwtOptions> = {}): Promise<Authenticator> {
  const keys = "pem" in options || "jwksUrl" in options || "jwksFile" in options
    ? {}
    : { secret: SECRET };
  return jwtAuthenticator({ ...keys, wallClock: () => NOW_MS, ...options });
}

async function show(authenticator: Authenticator, token: string): Promise<Decision> {
  return await authenticator.authenticate(request({ username: "device", password: token }));
}

/** A new pair of keys, in PEM. */
function pair(type: "rsa" | "ec" | "ed25519", namedCurve = "P-256") {
  const { publicKey, privateKey } = type === "rsa"
    ? generateKeyPairSync("rsa", { modulusLength: 2048 })
    : type === "ec"
    ? generateKeyPairSync("ec", { namedCurve })
    : generateKeyPairSync("ed25519");
  return {
    publicKey: `${publicKey.export({ type: "spki", format: "pem" })}`,
    privateKey: `${privateKey.export({ type: "pkcs8", format: "pem" })}`,
  };
}

const rsa = pair("rsa");
const ec = pair("ec");

Deno.test("a token in the password lets in under its name, until it expires", async () => {
  const authenticator = await verifying();
  assertEquals(await show(authenticator, await sign(usual)), {
    reasonCode: Success,
    username: "ann",
    expiresAtMs: NOW_MS + 65_000,
  });
  const other = await verifying({ tokenIn: "username", usernameClaim: "name" });
  const token = await sign({ ...usual, name: "bob" });
  assertEquals((await show(other, token)).reasonCode, BadUserNameOrPassword);
  const decision = await other.authenticate(request({ username: token }));
  assertEquals([decision.reasonCode, decision.username], [Success, "bob"]);
});

Deno.test("every algorithm that fits a kind of key is verified", async () => {
  for (const alg of ["HS256", "HS384", "HS512"]) {
    const secret = new Uint8Array(64).fill(7);
    const token = await sign(usual, secret, { alg });
    assertEquals((await show(await verifying({ secret }), token)).reasonCode, Success, alg);
  }
  const asymmetric: [ReturnType<typeof pair>, string[]][] = [
    [rsa, ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]],
    [ec, ["ES256"]],
    [pair("ec", "P-384"), ["ES384"]],
    [pair("ec", "P-521"), ["ES512"]],
    [pair("ed25519"), ["EdDSA"]],
  ];
  for (const [{ publicKey, privateKey }, algorithms] of asymmetric) {
    const authenticator = await verifying({ pem: publicKey });
    for (const alg of algorithms) {
      const token = await sign(usual, await jose.importPKCS8(privateKey, alg), { alg });
      assertEquals((await show(authenticator, token)).reasonCode, Success, alg);
      // A bit of what was signed is another.
      const [header, payload, signature] = token.split(".");
      const forged = `${header}.${payload!.slice(0, -2)}AA.${signature}`;
      assertEquals((await show(authenticator, forged)).reasonCode, BadUserNameOrPassword, alg);
    }
  }
});

Deno.test("a token without a signature is refused", async () => {
  const part = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  for (const alg of ["none", "None", "NONE", ""]) {
    for (const signature of ["", "AAAA"]) {
      const token = `${part({ alg })}.${part(usual)}.${signature}`;
      for (const options of [{}, { pem: rsa.publicKey }]) {
        const decision = await show(await verifying(options), token);
        assertEquals(decision.reasonCode, BadUserNameOrPassword);
      }
    }
  }
  await assertRejects(() => verifying({ algorithms: ["none"] }), TypeError, "algorithm none");
});

Deno.test("a public key is never taken for a secret", async () => {
  for (const alg of ["HS256", "HS384", "HS512"]) {
    const key = new TextEncoder().encode(rsa.publicKey);
    const decision = await show(
      await verifying({ pem: rsa.publicKey }),
      await sign(usual, key, { alg }),
    );
    assertEquals(decision.reasonCode, BadUserNameOrPassword);
  }
  await assertRejects(
    () => verifying({ pem: rsa.publicKey, algorithms: ["RS256", "HS256"] }),
    TypeError,
    "algorithm HS256",
  );
  await assertRejects(() => verifying({ algorithms: ["RS256"] }), TypeError, "algorithm RS256");
  // Nor is a secret in a set of keys.
  const k = SECRET.toBase64({ alphabet: "base64url" });
  const fetch: Fetch = () =>
    Promise.resolve(Response.json({ keys: [{ kty: "oct", k, alg: "HS256" }] }));
  const authenticator = await verifying({ jwksUrl: "https://maker/keys", fetch });
  assertEquals((await show(authenticator, await sign(usual))).reasonCode, BadUserNameOrPassword);
});

Deno.test("only the algorithms that are asked for are accepted", async () => {
  const authenticator = await verifying({ pem: rsa.publicKey, algorithms: ["PS256"] });
  for (const [alg, code] of [["PS256", Success], ["RS256", BadUserNameOrPassword]] as const) {
    const token = await sign(usual, await jose.importPKCS8(rsa.privateKey, alg), { alg });
    assertEquals((await show(authenticator, token)).reasonCode, code);
  }
});

Deno.test("a token whose claims do not do is refused, and told why", async () => {
  const authenticator = await verifying({ issuer: "maker", audience: ["broker", "other"] });
  const { exp: _, ...endless } = usual;
  const cases: [claims: Claims, reasonString: string][] = [
    [{ ...usual, exp: NOW_SECONDS - 5 }, "Token has expired"],
    [endless, 'Token has a wrong "exp"'],
    [{ ...usual, exp: `${NOW_SECONDS + 60}` }, 'Token has a wrong "exp"'],
    [{ ...usual, nbf: NOW_SECONDS + 6 }, 'Token has a wrong "nbf"'],
    [{ ...usual, aud: "elsewhere" }, 'Token has a wrong "aud"'],
    [{ ...usual, aud: [] }, 'Token has a wrong "aud"'],
    [{ ...usual, iss: "somebody" }, 'Token has a wrong "iss"'],
    [{ ...usual, iss: undefined }, 'Token has a wrong "iss"'],
    [{ ...usual, sub: undefined }, 'Token has no user name in "sub"'],
    [{ ...usual, sub: "" }, 'Token has no user name in "sub"'],
    [{ ...usual, sub: 1 }, 'Token has no user name in "sub"'],
  ];
  for (const [claims, reasonString] of cases) {
    assertEquals(await show(authenticator, await sign(claims)), {
      reasonCode: NotAuthorized,
      reasonString,
    });
  }
  for (
    const claims of [{ exp: NOW_SECONDS - 4 }, { nbf: NOW_SECONDS + 5 }, { aud: ["x", "other"] }]
  ) {
    const { reasonCode } = await show(authenticator, await sign({ ...usual, ...claims }));
    assertEquals(reasonCode, Success, JSON.stringify(claims));
  }
});

Deno.test("a token may be endless, and without a name, if that is asked for", async () => {
  const authenticator = await verifying({ requireExpiry: false, usernameClaim: null });
  const token = await sign({});
  assertEquals(await show(authenticator, token), { reasonCode: Success, username: "device" });
  const anonymous = await authenticator.authenticate(request({ password: token }));
  assertEquals(anonymous, { reasonCode: Success });
});

Deno.test("what is no token, or too large, is not known here", async () => {
  const authenticator = await verifying({ tokenBytesMax: 1000 });
  const large = await sign({ ...usual, text: "x".repeat(1000) });
  for (const token of ["", "secret", "a.b", "a.b.c", "a.b.c.d", "..", "a.b.c\n", large]) {
    assertEquals((await show(authenticator, token)).reasonCode, BadUserNameOrPassword);
  }
  const other = await sign(usual, new Uint8Array(32));
  assertEquals((await show(authenticator, other)).reasonCode, BadUserNameOrPassword);
  assertEquals((await authenticator.authenticate(request())).reasonCode, BadUserNameOrPassword);
  // Of the size that is allowed, just so.
  const limit = (await sign(usual)).length;
  for (const [tokenBytesMax, code] of [[limit, Success], [limit - 1, BadUserNameOrPassword]]) {
    const exact = await verifying({ tokenBytesMax: tokenBytesMax! });
    assertEquals((await show(exact, await sign(usual))).reasonCode, code);
  }
});

Deno.test("a claim restricts what a client may do", async () => {
  const authenticator = await verifying({ aclClaim: "acl" });
  const acl = { publish: ["out/%u"], subscribe: ["in/%c/#"] };
  const { authorizer } = await show(authenticator, await sign({ ...usual, acl }));
  assert(authorizer!.mayPublish(client, publication("out/ann")));
  assert(!authorizer!.mayPublish(client, publication("out/bob")));
  assert(authorizer!.maySubscribe(client, subscription("in/client/+")));
  assert(!authorizer!.maySubscribe(client, subscription("in/+/a")));
  const none = await show(authenticator, await sign(usual));
  assert(!none.authorizer!.mayPublish(client, publication("out/ann")));
  const faulty = await show(authenticator, await sign({ ...usual, acl: { publish: "#" } }));
  assertEquals(faulty, {
    reasonCode: NotAuthorized,
    reasonString: 'Token cannot be used: ACL "publish" is not a list',
  });
});

Deno.test("a token may be the data of an enhanced authentication", async () => {
  const authenticator = await verifying({ method: "TOKEN" });
  assertEquals(authenticator.begin!("JWT", request()), null);
  const next = async (token: string | null) =>
    await authenticator.begin!("TOKEN", request())!
      .next(token === null ? null : new TextEncoder().encode(token));
  assertEquals(await next(await sign(usual)), {
    kind: "success",
    username: "ann",
    expiresAtMs: NOW_MS + 65_000,
  });
  for (const token of [null, "", "a.b.c", await sign({ ...usual, exp: 0 })]) {
    const step = await next(token);
    assert(step.kind === "failure" && step.reasonCode === NotAuthorized);
  }
});

/** A place of keys that the test fills. */
class KeyPlace {
  readonly clock = new VirtualClock();
  readonly failures: string[] = [];
  keys: object[] = [];
  asked = 0;
  isDown = false;

  options(): Partial<JwtOptions> {
    return {
      jwksUrl: "https://maker/keys?secret",
      keysMaxAgeMs: 1000,
      keysStaleMsMax: 5000,
      keysCooldownMs: 100,
      clock: this.clock,
      failed: ({ message }) => this.failures.push(message),
      fetch: () => {
        this.asked++;
        if (this.isDown) return Promise.reject(new TypeError("down: https://maker/keys?secret"));
        return Promise.resolve(Response.json({ keys: this.keys }));
      },
    };
  }
}

async function namedKey(kid: string | undefined, { publicKey, privateKey } = ec) {
  const jwk = await jose.exportJWK(
    await jose.importSPKI(publicKey, "ES256", { extractable: true }),
  );
  const header = { alg: "ES256", ...kid !== undefined && { kid } };
  const key = await jose.importPKCS8(privateKey, "ES256");
  return {
    jwk: { ...jwk, ...kid !== undefined && { kid } },
    token: await sign(usual, key, header),
  };
}

Deno.test("keys are fetched when needed, kept, and fetched again when they are old", async () => {
  const place = new KeyPlace();
  const authenticator = await verifying(place.options());
  const { jwk, token } = await namedKey("one");
  place.keys = [jwk];
  assertEquals(place.asked, 0);
  const codes = await Promise.all([1, 2, 3].map(() => show(authenticator, token)));
  assertEquals(codes.map(({ reasonCode }) => reasonCode), [Success, Success, Success]);
  assertEquals(place.asked, 1);
  await place.clock.advance(999);
  await show(authenticator, token);
  assertEquals(place.asked, 1);
  await place.clock.advance(1);
  await show(authenticator, token);
  assertEquals(place.asked, 2);
});

Deno.test("an unknown key has the keys fetched again, but not more often than may be", async () => {
  const place = new KeyPlace();
  const authenticator = await verifying(place.options());
  const [one, two] = [await namedKey("one"), await namedKey("two", pair("ec"))];
  place.keys = [one.jwk];
  assertEquals((await show(authenticator, one.token)).reasonCode, Success);
  // The maker has changed its key a moment later.
  place.keys = [two.jwk];
  assertEquals((await show(authenticator, two.token)).reasonCode, BadUserNameOrPassword);
  assertEquals(place.asked, 1);
  await place.clock.advance(100);
  assertEquals((await show(authenticator, two.token)).reasonCode, Success);
  assertEquals((await show(authenticator, one.token)).reasonCode, BadUserNameOrPassword);
  assertEquals(place.asked, 2);
  // A flood of tokens with keys of their own makes up no flood of questions.
  await place.clock.advance(100);
  await Promise.all(Array.from({ length: 50 }, () => show(authenticator, one.token)));
  assertEquals(place.asked, 3);
});

Deno.test("without keys that are fresh enough nobody is let in", async () => {
  const place = new KeyPlace();
  const authenticator = await verifying(place.options());
  const { jwk, token } = await namedKey("one");
  place.isDown = true;
  assertEquals((await show(authenticator, token)).reasonCode, ServerUnavailable);
  assertEquals(place.failures, ["Cannot read keys of https://maker/keys: no whole answer"]);
  // Not asked again so soon.
  assertEquals((await show(authenticator, token)).reasonCode, ServerUnavailable);
  assertEquals(place.asked, 1);
  place.isDown = false;
  place.keys = [jwk];
  await place.clock.advance(100);
  assertEquals((await show(authenticator, token)).reasonCode, Success);
  // The service is gone: what it said last holds for a while.
  place.isDown = true;
  await place.clock.advance(4999);
  assertEquals((await show(authenticator, token)).reasonCode, Success);
  await place.clock.advance(1);
  assertEquals((await show(authenticator, token)).reasonCode, ServerUnavailable);
});

Deno.test("a key that has no name is found among several", async () => {
  const place = new KeyPlace();
  const authenticator = await verifying(place.options());
  const unnamed = await namedKey(undefined);
  place.keys = [(await namedKey(undefined, pair("ec"))).jwk, unnamed.jwk];
  assertEquals((await show(authenticator, unnamed.token)).reasonCode, Success);
  const stranger = await namedKey(undefined, pair("ec"));
  assertEquals((await show(authenticator, stranger.token)).reasonCode, BadUserNameOrPassword);
});

Deno.test("what is no set of keys is reported, and shown to nobody", async () => {
  const answers: [() => Response, string][] = [
    [() => new Response("secret"), "it is no JSON"],
    [() => Response.json({}), 'it has no list "keys"'],
    [() => Response.json(null), 'it has no list "keys"'],
    [() => Response.json({ keys: Array(101).fill({}) }), "it has 101 keys, of at most 100"],
    [() => Response.json({ keys: [] }, { status: 404 }), "the answer has status 404"],
    [() => new Response("x".repeat(262_145)), "the answer is longer than 262144 bytes"],
  ];
  const { token } = await namedKey("one");
  for (const [answer, fault] of answers) {
    const place = new KeyPlace();
    const fetch: Fetch = () => Promise.resolve(answer());
    const authenticator = await verifying({ ...place.options(), fetch });
    assertEquals((await show(authenticator, token)).reasonCode, ServerUnavailable);
    assertEquals(place.failures, [`Cannot read keys of https://maker/keys: ${fault}`]);
  }
});

Deno.test("an answer with keys that does not come in time is none", async () => {
  const place = new KeyPlace();
  const fetch: Fetch = (_, { signal }) =>
    new Promise((_, reject) => signal!.addEventListener("abort", () => reject(signal!.reason)));
  const authenticator = await verifying({ ...place.options(), fetch, keysTimeoutMs: 50 });
  const decision = show(authenticator, (await namedKey("one")).token);
  await place.clock.advance(50);
  assertEquals((await decision).reasonCode, ServerUnavailable);
  assertEquals(place.failures, ["Cannot read keys of https://maker/keys: no answer in time"]);
});

Deno.test("keys may be in a file, which is read again", async () => {
  const path = await Deno.makeTempFile();
  try {
    await assertRejects(() => verifying({ jwksFile: path }), TypeError, "no file with a JSON Web");
    const [one, two] = [await namedKey("one"), await namedKey("two", pair("ec"))];
    await Deno.writeTextFile(path, JSON.stringify({ keys: [one.jwk] }));
    const clock = new VirtualClock();
    const authenticator = await verifying({ jwksFile: path, clock, keysCooldownMs: 100 });
    assertEquals((await show(authenticator, one.token)).reasonCode, Success);
    await Deno.writeTextFile(path, JSON.stringify({ keys: [two.jwk] }));
    await clock.advance(100);
    assertEquals((await show(authenticator, two.token)).reasonCode, Success);
  } finally {
    await Deno.remove(path);
  }
  await assertRejects(() => verifying({ jwksFile: path }), TypeError, path);
});

Deno.test("jwtAuthenticator() refuses keys that cannot be, and shows none", async () => {
  const cases: [options: JwtOptions, fault: string][] = [
    [{}, "give one of"],
    [{ secret: SECRET, pem: rsa.publicKey }, "give one of"],
    [{ secret: "short secret" }, "the secret has 12 bytes, of at least 32"],
    [{ pem: rsa.privateKey }, "it is private"],
    [{ pem: "secret" }, "no public key in PEM"],
    [{ pem: rsa.publicKey, algorithms: [] }, "algorithm list"],
    [{ jwksUrl: "http://maker/keys" }, "does not begin with https://"],
    [{ jwksUrl: "file:///etc/passwd" }, "does not begin with https://"],
    [{ jwksUrl: "maker" }, "does not begin with https://"],
  ];
  for (const [options, fault] of cases) {
    await assertRejects(() => jwtAuthenticator(options), TypeError, fault);
  }
  const options = { secret: SECRET, clockToleranceSeconds: -1 };
  await assertRejects(() => jwtAuthenticator(options), RangeError, "clockToleranceSeconds is -1");
  await jwtAuthenticator({ jwksUrl: "http://127.0.0.1:1/keys" });
  await jwtAuthenticator({ jwksUrl: "http://[::1]:1/keys" });
});

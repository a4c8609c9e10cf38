import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { scramSha256 } from "../client/scram.ts";
import { ReasonCode } from "../codec/mod.ts";
import type { AuthenticationExchange, AuthenticationStep, Decision } from "./authenticator.ts";
import { scramAuthenticator, type ScramOptions, type ScramStore } from "./scram.ts";
import { saltPassword, xor } from "./salted_password.ts";
import { hmac, scramCredential, scramKeys } from "./scram_keys.ts";
import { SCRAM_MESSAGE_BYTES_MAX } from "./scram_message.ts";
import { request } from "./testdata/requests.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (data: Uint8Array | null | undefined) => new TextDecoder().decode(data!);

/** The example of RFC 7677 §3. */
const RFC = {
  clientNonce: "rOprNGfwEbeRWgbNEkqO",
  serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
  salt: Uint8Array.fromBase64("W22ZaJ0SNY7soEsUEjb6gQ=="),
  clientFirst: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
  serverFirst:
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  clientFinal:
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

const user = await scramCredential("pencil", { salt: RFC.salt });
const store: ScramStore = { find: (name) => name === "user" ? user : null };

function begin(options: Partial<ScramOptions> = {}): AuthenticationExchange {
  const server = scramAuthenticator({ store, nonce: () => RFC.serverNonce, ...options });
  return server.begin!("SCRAM-SHA-256", request())!;
}

async function asked(exchange: AuthenticationExchange, text: string): Promise<string> {
  const step = await exchange.next(bytes(text));
  assert(step.kind === "continue", `${step.kind} for ${text}`);
  return textOf(step.data);
}

function assertRefused(step: AuthenticationStep, text?: string): void {
  assert(step.kind === "failure", step.kind);
  assertEquals(step.reasonCode, ReasonCode.NotAuthorized);
  if (text !== undefined) assertEquals(step.reasonString, text);
}

Deno.test("scramAuthenticator() speaks as in the example of RFC 7677", async () => {
  const exchange = begin();
  assertEquals(await asked(exchange, RFC.clientFirst), RFC.serverFirst);
  const step = await exchange.next(bytes(RFC.clientFinal));
  assert(step.kind === "success");
  assertEquals([step.username, textOf(step.data)], ["user", RFC.serverFinal]);
});

Deno.test("scramSha256() speaks as in the example of RFC 7677", async () => {
  const client = scramSha256("user", "pencil", { nonce: () => RFC.clientNonce });
  assertEquals(textOf(await client.begin()), RFC.clientFirst);
  assertEquals(textOf(await client.next(bytes(RFC.serverFirst))), RFC.clientFinal);
  await client.finish!(bytes(RFC.serverFinal));
});

Deno.test("a client that could bind the channel, but sees that nobody can, is let in", async () => {
  const exchange = begin();
  assertEquals(await asked(exchange, `y,,${RFC.clientFirst.slice(3)}`), RFC.serverFirst);
  // What it said about it is signed, too.
  const signed = `c=${bytes("y,,").toBase64()},r=${RFC.clientNonce}${RFC.serverNonce}`;
  const transcript = `${RFC.clientFirst.slice(3)},${RFC.serverFirst},${signed}`;
  const { clientKey, storedKey } = scramKeys(await saltPassword("pencil", RFC.salt, 4096));
  const proof = xor(clientKey, hmac(storedKey, transcript)).toBase64();
  assertEquals((await exchange.next(bytes(`${signed},p=${proof}`))).kind, "success");
  // Who could be talked out of it on the way notices.
  const other = begin();
  await asked(other, `y,,${RFC.clientFirst.slice(3)}`);
  const step = await other.next(bytes(RFC.clientFinal));
  assertRefused(step, "Another channel binding than at first");
});

Deno.test("scramAuthenticator() takes no first message but a plain one", async () => {
  const nonce = "r=abc";
  const faulty = [
    "",
    "n",
    `p=tls-unique,,n=user,${nonce}`,
    `x,,n=user,${nonce}`,
    `n,,m=ext,n=user,${nonce}`,
    `n,a=other,n=user,${nonce}`,
    `n,a=,n=user,${nonce}`,
    `n,,n=,${nonce}`,
    `n,,n=us=er,${nonce}`,
    `n,,n=us=2cer,${nonce}`,
    `n,,n=us\u0007er,${nonce}`,
    "n,,n=user,r=",
    "n,,n=user,r=a b",
    "n,,n=user,r=ä",
    `n,,n=user`,
    `n,,${nonce},n=user`,
    `n,,n=user,${nonce},`,
    `n,,n=${"u".repeat(SCRAM_MESSAGE_BYTES_MAX)},${nonce}`,
    "n,,n=user,r=abc,m=x".replace(",m", ",1"),
  ];
  for (const text of faulty) assertRefused(await begin().next(bytes(text)));
  assertRefused(await begin().next(null));
  assertRefused(await begin().next(Uint8Array.of(0x6e, 0xff)));
  assertEquals(await asked(begin(), `n,a=user,n=user,r=${RFC.clientNonce},x=y`), RFC.serverFirst);
});

Deno.test("scramAuthenticator() takes no second message but the one that it asked for", async () => {
  const proof = RFC.clientFinal.slice(RFC.clientFinal.indexOf(",p="));
  const nonce = RFC.clientNonce + RFC.serverNonce;
  const faulty = [
    "",
    `c=biws,r=${nonce}`,
    `c=biws,r=${nonce}x${proof}`,
    `c=biws,r=${RFC.clientNonce}${proof}`,
    `c=biws,r=${nonce},p=AAAA`,
    `c=biws,r=${nonce},p=????`,
    `r=${nonce},c=biws${proof}`,
    `${RFC.clientFinal},`,
  ];
  for (const text of faulty) {
    const exchange = begin();
    await asked(exchange, RFC.clientFirst);
    assertRefused(await exchange.next(bytes(text)));
  }
});

Deno.test("a guess takes an exchange: the second message is taken once", async () => {
  const exchange = begin();
  await asked(exchange, RFC.clientFirst);
  assertRefused(await exchange.next(bytes(RFC.clientFinal.replace("p=d", "p=e"))));
  assertRefused(await exchange.next(bytes(RFC.clientFinal)));
});

Deno.test("a user who does not exist looks like one with another password", async () => {
  const options = { decoyKey: bytes("secret") };
  const server = scramAuthenticator({ ...options, store, nonce: () => RFC.serverNonce });
  const play = async (name: string, password: string) => {
    const client = scramSha256(name, password, { nonce: () => RFC.clientNonce });
    const exchange = server.begin!("SCRAM-SHA-256", request())!;
    const first = await exchange.next(await client.begin());
    assert(first.kind === "continue");
    return [textOf(first.data), await exchange.next(await client.next(first.data!))] as const;
  };
  const [known, wrong] = await play("user", "pen");
  const [unknown, none] = await play("nobody", "pencil");
  assertEquals(none, wrong);
  assertRefused(none);
  const shape = (text: string) => text.replace(/s=[^,]*/, (salt) => `${salt.length}`);
  assertEquals(shape(unknown), shape(known));
  // Asked again, the same; somebody else has another; and so has another server.
  assertEquals((await play("nobody", "pencil"))[0], unknown);
  assertNotEquals((await play("somebody", "pencil"))[0], unknown);
  const elsewhere = begin({ decoyKey: bytes("other") });
  assertNotEquals(await asked(elsewhere, `n,,n=nobody,r=${RFC.clientNonce}`), unknown);
});

Deno.test("a user who does not exist looks like most who do", async () => {
  const typical = { iterations: 5000, saltBytes: 9 };
  const first = await asked(begin({ store: { find: () => null, typical } }), RFC.clientFirst);
  assert(/,s=[A-Za-z0-9+/]{12},i=5000$/.test(first), first);
});

Deno.test("names with commas, equals signs and accents come through", async () => {
  const credential = await scramCredential("p\u00e4ss=,");
  const seen: string[] = [];
  const find = (name: string) => {
    seen.push(name);
    return Promise.resolve(credential);
  };
  // The same, made of other code points.
  const client = scramSha256("a=,b\u00e4", "pa\u0308ss=,");
  const exchange = begin({ store: { find } });
  const first = await exchange.next(await client.begin());
  assert(first.kind === "continue");
  const last = await exchange.next(await client.next(first.data!));
  assert(last.kind === "success");
  await client.finish!(last.data!);
  assertEquals([seen, last.username], [["a=,b\u00e4"], "a=,b\u00e4"]);
});

Deno.test("scramSha256() takes nothing from a server that is not who it should be", async () => {
  const client = scramSha256("user", "pencil", { nonce: () => RFC.clientNonce });
  const faulty = [
    "",
    "e=unknown-user",
    RFC.serverFirst.replace("r=r", "r=x"),
    RFC.serverFirst.replace(RFC.serverNonce, ""),
    RFC.serverFirst.replace("i=4096", "i=4095"),
    RFC.serverFirst.replace("i=4096", "i=1e9"),
    RFC.serverFirst.replace("i=4096", "i=999999999"),
    RFC.serverFirst.replace("s=W", "s=??"),
    `m=x,${RFC.serverFirst}`,
  ];
  for (const text of faulty) {
    await client.begin();
    await assertRejects(async () => await client.next(bytes(text)), Error, "server");
  }
  for (const text of ["", "v=AAAA", "e=other-error", RFC.serverFinal.replace("v=6", "v=7")]) {
    await client.begin();
    await client.next(bytes(RFC.serverFirst));
    await assertRejects(async () => await client.finish!(bytes(text)), Error, "cannot prove");
  }
  // To be let in before it was asked for anything proves nothing.
  await client.begin();
  await assertRejects(async () => await client.finish!(bytes(RFC.serverFinal)), Error, "prove");
});

Deno.test("scramAuthenticator() knows no other method, and no password in CONNECT", async () => {
  const server = scramAuthenticator({ store });
  for (const method of ["SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "scram-sha-256", ""]) {
    assertEquals(server.begin!(method, request()), null);
  }
  const decision: Decision = await server.authenticate(
    request({ username: "user", password: "pencil" }),
  );
  assertEquals(decision.reasonCode, ReasonCode.BadUserNameOrPassword);
});

Deno.test("scramCredential() and scramSha256() refuse too little", async () => {
  await assertRejects(() => scramCredential("x", { iterations: 4095 }), RangeError, "4095");
  await assertRejects(() => scramCredential("x", { salt: new Uint8Array() }), RangeError, "salt");
  await assertRejects(() => scramCredential("\u0000"), TypeError, "password");
  for (const name of ["", "\u0000"]) {
    await assertRejects(async () => await scramSha256(name, "x").begin(), TypeError, "user name");
  }
  const options = { iterationsMin: 1 };
  await assertRejects(async () => await scramSha256("a", "x", options).begin(), RangeError);
});

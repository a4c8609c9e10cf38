// Runs in Node and Bun: imports the client and the codec by their paths, and talks to a broker.
// Arguments: the URL of the root of the repository, and a JSON of what to connect to.
import assert from "node:assert/strict";
import process from "node:process";

const say = (line) => process.stdout.write(`${line}\n`);

const [root, text] = process.argv.slice(2);
const { urls, caCerts, scramUrl, silentUrl, refused } = JSON.parse(text);
const { connect, ConnectError, scramSha256 } = await import(`${root}client/mod.ts`);
const { encodePacket, PacketReader } = await import(`${root}codec/mod.ts`);
assert.equal("Deno" in globalThis, false);

// The codec alone.
const reader = new PacketReader({ version: 5 });
reader.push(encodePacket({ type: "pingreq" }, 5));
assert.deepEqual(reader.read(), { type: "pingreq" });

for (const url of urls) {
  const tls = url.startsWith("mqtts:") ? { caCerts } : {};
  const client = await connect(url, { reconnect: false, tls });
  const messages = client.subscribe("echo/+", { qos: 1 });
  await messages.ready;
  const payload = new Uint8Array(300_000).map((_, index) => index * 7);
  for (const qos of [0, 1, 2]) await client.publish(`echo/${qos}`, payload, { qos });
  for (const qos of [0, 1, 2]) {
    const { value } = await messages.next();
    assert.equal(value.topic, `echo/${qos}`);
    assert.deepEqual(new Uint8Array(value.payload), payload);
  }
  // A thousand small ones, each acknowledged.
  const receipts = [];
  for (let i = 0; i < 1000; i++) receipts.push(client.publish("echo/n", `${i}`, { qos: 1 }));
  await Promise.all(receipts);
  for (let i = 0; i < 1000; i++) {
    const { value } = await messages.next();
    assert.equal(new TextDecoder().decode(value.payload), `${i}`);
  }
  await client.close();
  say(`echo ${new URL(url).protocol}`);
}

// An enhanced authentication needs what not every runtime has: Base64, HMAC and PBKDF2.
const authentication = scramSha256("ann", "secret");
const known = await connect(scramUrl, { reconnect: false, authentication });
await known.close();
say("scram");

for (const url of refused) {
  const error = await connect(url, { reconnect: false }).then(() => null, (error) => error);
  assert.ok(error instanceof ConnectError, `${url}: ${error}`);
  assert.ok(error.message.length > 10, error.message);
}
const signal = AbortSignal.timeout(100);
await assert.rejects(connect(silentUrl, { reconnect: false, signal }));
say("refused");

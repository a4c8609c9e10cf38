// MQTT.js on Node: publishes and receives, and prints what it received.
//
//   node mqttjs_roundtrip.cjs FOLDER URL [CA [CERT KEY]]
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const [folder, url, ...files] = process.argv.slice(2);
const mqtt = createRequire(`${folder}/package.json`)("mqtt");
const [ca, cert, key] = files.map((file) => readFileSync(file));

async function main() {
  const options = { reconnectPeriod: 0, connectTimeout: 10_000, protocolVersion: 5 };
  const client = await mqtt.connectAsync(url, { ...options, ca, cert, key });
  const received = new Promise((resolve) => {
    client.on("message", (topic, payload) => resolve([topic, payload.length]));
  });
  await client.subscribeAsync("room/+", { qos: 2 });
  await client.publishAsync("room/1", "x".repeat(200_000), { qos: 2 });
  process.stdout.write(`${JSON.stringify(await received)}\n`);
  await client.endAsync();
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});

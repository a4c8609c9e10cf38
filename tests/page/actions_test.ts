/**
 * Everything that can be done on the page, in a browser with real clients: each change is asked
 * for, and happens at the broker.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { testWith } from "../harness/tools.ts";
import { PageStage } from "./_page.ts";

const text = (payload: Uint8Array) => new TextDecoder().decode(payload);

testWith(
  ["chromium"],
  "clients are found, looked at, disconnected, banned, and their sessions ended",
  async () => {
    await using stage = await PageStage.open();
    const { broker, page } = stage;
    const away = await stage.join("away", { sessionExpirySeconds: 1000 });
    await away.subscribe("work/#", { qos: 1 }).ready;
    await away.close();
    await broker.publish("work/1", "do this", { qos: 1 });
    const pump = await stage.join("pump-7", { username: "house" });
    await pump.subscribe("pump/7/#", { qos: 1 }).ready;
    await stage.enter("clients", "Clients");
    await page.getByRole("link", { name: "away" }).waitFor();
    await page.getByLabel("Search").fill("pump");
    await page.getByRole("link", { name: "away" }).waitFor({ state: "detached" });
    await page.getByLabel("Search").fill("");
    await page.getByLabel("State").selectOption("false");
    await page.getByRole("link", { name: "pump-7" }).waitFor({ state: "detached" });
    await page.getByLabel("State").selectOption("");
    for (const sort of await page.getByLabel("Order").locator("option").all()) {
      await page.getByLabel("Order").selectOption((await sort.getAttribute("value"))!);
      await page.getByRole("link", { name: "pump-7" }).waitFor();
    }
    // A client that comes is there without a reload.
    await stage.join("newcomer");
    await page.getByRole("link", { name: "newcomer" }).waitFor();
    await stage.isAccessible("clients");

    await page.getByRole("link", { name: "away" }).click();
    await stage.heading("away").waitFor();
    await stage.button("do this").click();
    await page.locator("pre", { hasText: "do this" }).waitFor();
    await stage.sees("Connection ended by the client, reason 0x00");
    await stage.isAccessible("client");
    await stage.button("End session").click();
    await stage.dialog.getByText("Its 1 subscriptions and 1 waiting messages are lost.").waitFor();
    await stage.isAccessible("dialog");
    await page.keyboard.press("Escape");
    assert(broker.inspection.session("away") !== null);
    await stage.button("End session").click();
    await stage.confirm("End the session");
    await stage.sees("There is no session of this client.");
    assertEquals(broker.inspection.session("away"), null);

    await stage.go("clients/pump-7", "pump-7");
    await stage.sees("pump/7/#");
    await stage.button("Disconnect").click();
    await stage.confirm("Disconnect");
    await stage.sees("There is no session of this client.");
    assertEquals(broker.inspection.session("pump-7"), null);

    await stage.button("Ban").click();
    await page.getByLabel("Why").fill("it talks too much");
    await stage.confirm("Ban");
    assertEquals([...broker.inspection.bans.all()].map(({ value }) => value), ["pump-7"]);
    await stage.go("clients", "Clients");
    await stage.button("Recently closed").click();
    await page.getByRole("row", { name: /pump-7 .* broker 0x98/ }).waitFor();
    await stage.button("Bans").click();
    await stage.sees("it talks too much");
    await stage.button("End").click();
    await stage.confirm("End the ban");
    await stage.sees("Nobody is banned.");
    assertEquals([...broker.inspection.bans.all()], []);
  },
);

testWith(["chromium"], "retained messages are paged, read, and deleted by filter", async () => {
  await using stage = await PageStage.open();
  const { broker, page } = stage;
  for (let i = 100; i < 160; i++) broker.publish(`lamp/${i}`, `lamp ${i}`, { retain: true });
  broker.publish("door", Uint8Array.of(0, 255, 1), { retain: true });
  await stage.enter("retained", "Retained");
  await stage.button("door").click();
  await page.locator("pre", { hasText: "00 ff 01" }).waitFor();
  await stage.button("Next").click();
  await stage.button("lamp/159").click();
  await page.locator("pre", { hasText: "lamp 159" }).waitFor();
  await stage.isAccessible("retained");
  await stage.button("Previous").click();
  await stage.button("lamp/100").click();
  await stage.button("Delete").click();
  await stage.confirm("Delete");
  assertEquals(broker.inspection.retainedMessage("lamp/100"), undefined);
  await page.getByLabel("Topic filter").fill("lamp/+");
  await stage.button("Show").click();
  await stage.button("door").waitFor({ state: "detached" });
  await stage.button("Delete all that match").click();
  await stage.confirm("Delete");
  await stage.sees("Nothing is retained there.");
  assertEquals(broker.stats.retainedMessages, 1);
  await page.getByLabel("Topic filter").fill("lamp/#/x");
  await stage.button("Show").click();
  await stage.sees(/is no topic filter/);
});

testWith(
  ["chromium"],
  "messages are published and received with Fairway's own client in the page",
  async () => {
    await using stage = await PageStage.open();
    const { page } = stage;
    const friend = await stage.join("friend");
    const heard = friend.subscribe("from/page");
    await heard.ready;
    await stage.enter("messages", "Messages");
    await stage.sees(/^connected as page-/);
    const subscribing = page.locator("form", { has: stage.button("Subscribe") });
    const publishing = page.locator("form", { has: stage.button("Publish") });
    for (const [filter, qos] of [["lamps/#", "1"], ["doors/+", "2"]]) {
      await page.getByLabel("Topic filter").fill(filter!);
      await subscribing.getByRole("combobox", { name: "QoS" }).selectOption(qos!);
      await stage.button("Subscribe").click();
      await page.getByRole("list", { name: "Subscriptions" }).getByText(filter!).waitFor();
    }
    // What is being typed stays when the page is drawn anew for messages.
    await page.getByLabel("Topic filter").fill("half/typ");
    await friend.publish("lamps/1", "on", { qos: 1 });
    await friend.publish("doors/front", "open", {
      qos: 2,
      properties: { contentType: "text/plain", userProperties: [["by", "wind"]] },
    });
    const messages = page.getByRole("list", { name: "Messages" });
    const row = (topic: string) => messages.getByRole("button").filter({ hasText: topic });
    await row("lamps/1").waitFor();
    await row("doors/front").click();
    await stage.sees("by=wind");
    assertEquals(await page.getByLabel("Topic filter").inputValue(), "half/typ");
    await stage.sees("text/plain");
    await stage.isAccessible("messages");

    await page.getByLabel("Topic", { exact: true }).fill("from/page");
    await page.getByRole("textbox", { name: "Payload" }).fill("hello");
    await publishing.getByRole("combobox", { name: "QoS" }).selectOption("2");
    await page.getByText("Properties", { exact: true }).click();
    await page.getByLabel("Content type").fill("text/plain");
    await page.getByLabel("Response topic").fill("answers/1");
    await page.getByLabel("Expires after").fill("60");
    await page.getByLabel("User properties").fill("a=1\nb=2");
    await stage.button("Publish").click();
    const { value } = await heard.next();
    const { contentType, responseTopic, userProperties, messageExpiryInterval } = value!.properties;
    assertEquals([text(value!.payload), value!.qos], ["hello", 2]);
    assertEquals([contentType, responseTopic], ["text/plain", "answers/1"]);
    assertEquals(userProperties, [["a", "1"], ["b", "2"]]);
    assert(messageExpiryInterval! <= 60);
    await page.getByLabel("Topic", { exact: true }).fill("bad/#");
    await stage.button("Publish").click();
    await page.getByRole("alert").waitFor();

    await stage.button("Pause").click();
    await friend.publish("lamps/2", "off", { qos: 1 });
    await stage.sees(/3 received, 1 not shown/);
    assertEquals(await row("lamps/2").count(), 0);
    await stage.button("Go on").click();
    await friend.publish("lamps/3", "off", { qos: 1 });
    await row("lamps/3").waitFor();
    const downloading = page.waitForEvent("download");
    await stage.button("Export").click();
    const path = await (await downloading).path();
    const exported = JSON.parse(await Deno.readTextFile(path)) as {
      topic: string;
      payload: string;
    }[];
    assertEquals(exported.map(({ topic }) => topic), ["lamps/1", "doors/front", "lamps/3"]);
    assertEquals(text(Uint8Array.fromBase64(exported[1]!.payload)), "open");
    await stage.button("Clear").click();
    await stage.sees("Nothing has come yet.");
    await stage.button("Unsubscribe from doors/+").click();
    await page.getByText("doors/+").waitFor({ state: "detached" });
    await stage.button("Disconnect").click();
    await stage.sees("closed");
    await stage.button("Connect").click();
    await stage.sees(/^connected as page-/);
  },
);

testWith(["chromium"], "a group is moved to another position, and removed", async () => {
  await using stage = await PageStage.open();
  const { broker, page } = stage;
  const stream = await broker.declareStream({ name: "jobs", filters: ["jobs/#"], maxMessages: 50 });
  const worker = await stage.join("worker");
  await worker.subscribe("$share/crew/jobs/#", {
    qos: 1,
    properties: { userProperties: [["stream-offset", "latest"]] },
  }).ready;
  for (let i = 1; i <= 5; i++) broker.publish("jobs/paint", `${i}`);
  await stage.enter("streams/jobs", "Streams");
  await stage.sees("Limits of jobs");
  await stage.button("Move").click();
  await page.getByLabel("Position").fill("after=x");
  await stage.dialog.getByRole("button", { name: "Move the group" }).click();
  await stage.sees(/is no position/);
  await page.getByLabel("Position").fill("after=3");
  await stage.confirm("Move the group");
  assert(stream.groups()[0]!.floor >= 4);
  await stage.button("Remove").click();
  await stage.confirm("Remove the group");
  await stage.sees("No group reads it.");
  assertEquals(stream.groups(), []);
});

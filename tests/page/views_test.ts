/**
 * Every view of the page in a browser, with real clients: what it shows, and that it changes as
 * they do.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { hashToken, TokenFile } from "../../admin/mod.ts";
import { testWith } from "../harness/tools.ts";
import { PageStage } from "./_page.ts";

testWith(["chromium"], "the page asks for a token, and tells one that is wrong", async () => {
  await using stage = await PageStage.open();
  const { page } = stage;
  await page.goto(stage.url());
  await page.getByLabel("Token").fill("wrong");
  await stage.isAccessible("login");
  await stage.button("Open").click();
  await stage.sees("The token or the password is not known");
  await page.getByLabel("Token").fill(stage.admin.token!);
  await stage.button("Open").click();
  await stage.heading("Overview").waitFor();
  // The token is for this tab only.
  assertEquals(await page.evaluate(() => Object.keys(localStorage)), []);
  await page.reload();
  await stage.heading("Overview").waitFor();
  await stage.button("Leave").click();
  await page.getByLabel("Token").waitFor();
  assertEquals(await page.evaluate(() => sessionStorage.length), 0);
});

testWith(["chromium"], "the overview draws what happens, and says what is wrong", async () => {
  const expirySeconds = Date.now() / 1000 + 9.5 * 86_400;
  const certificates = () => [{ listener: "listener 8883", expirySeconds }];
  await using stage = await PageStage.open({ admin: { operations: { certificates } } });
  const { page } = stage;
  await stage.enter("overview", "Overview");
  await stage.sees("The certificate of listener 8883 ends in 9 days");
  const tile = page.locator(".tile:has(dt:text-is('Clients')) b");
  await tile.getByText("0", { exact: true }).waitFor();
  const client = await stage.join("meter");
  await tile.getByText("1", { exact: true }).waitFor();
  await client.publish("count", "1", { qos: 1 });
  await page.locator(".tile:has(dt:text-is('Messages in'))").getByText("1 in all").waitFor();
  assertEquals(await page.locator(".plot canvas").count(), 7);
  await page.getByRole("img", { name: /^Messages over time; now in/ }).waitFor();
  await stage.button("2 h").click();
  await stage.isAccessible("overview");
  stage.broker.changeLimits({ connectionsMax: 1 });
  await stage.join("second").catch(() => {});
  await stage.sees('The limit "connections" was reached');
});

testWith(
  ["chromium"],
  "the topics grow as messages pass, with the last message of each",
  async () => {
    await using stage = await PageStage.open();
    const { page } = stage;
    await stage.enter("topics", "Topics");
    await stage.sees("No message has passed yet.");
    const client = await stage.join("thermometer");
    // The tree begins when the server knows that somebody looks.
    const item = (name: string) => page.getByRole("treeitem").filter({ hasText: name }).first();
    while (await item("house").count() === 0) {
      await client.publish("house/kitchen/temperature", '{"value":21.5}', { qos: 1 });
      await page.waitForTimeout(50);
    }
    await item("house").click();
    await item("kitchen").click();
    await item("temperature").click();
    await stage.sees('"value": 21.5');
    await stage.sees("thermometer");
    await stage.button("Hex").click();
    await stage.sees("7b 22 76 61 6c 75 65");
    // Markup is text.
    await client.publish("house/kitchen/temperature", "<img src=x onerror=alert(1)>", { qos: 1 });
    await stage.button("Text").click();
    await page.locator("pre", { hasText: "<img src=x onerror=alert(1)>" }).waitFor();
    assertEquals(await page.locator("main img").count(), 0);
    await stage.isAccessible("topics");
    // The keys of a tree.
    await item("house").click();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.locator('[aria-selected="true"]', { hasText: "kitchen" }).waitFor();
    await page.getByLabel("Search").fill("no such topic");
    await stage.sees("No topic has this text.");
  },
);

testWith(["chromium"], "a stream is looked into: its groups, and what was said", async () => {
  await using stage = await PageStage.open();
  const { broker, page } = stage;
  await broker.declareStream({ name: "day", filters: ["day/#"], maxMessages: 1000 });
  for (let i = 1; i <= 150; i++) broker.publish(`day/${i % 2}`, `number ${i}`);
  const member = await stage.join("worker");
  const share = member.subscribe("$share/workers/day/#", {
    qos: 1,
    properties: { userProperties: [["stream-offset", "earliest"]] },
  });
  await share.ready;
  await stage.enter("streams/day", "Streams");
  await page.getByRole("row", { name: /^day 150/ }).waitFor();
  await stage.sees("Limits of day");
  await stage.button("workers").click();
  await page.getByRole("link", { name: "worker", exact: true }).waitFor();
  await page.getByRole("combobox", { name: "From", exact: true }).selectOption("since=1h");
  await page.getByLabel("Topic filter").fill("day/1");
  await stage.button("Look").click();
  await stage.button("number 1").click();
  await page.locator("pre", { hasText: "number 1" }).waitFor();
  assertEquals(await page.getByText("number 2", { exact: true }).count(), 0);
  await page.getByLabel("Topic filter").fill("#");
  await stage.button("Look").click();
  await stage.button("Show more").click();
  await stage.button("number 150").waitFor();
  await stage.isAccessible("streams");
  await page.getByLabel("Or from").fill("after=x");
  await stage.button("Look").click();
  await stage.sees(/is no position/);
});

testWith(
  ["chromium"],
  "it fits a phone, dark as well, and nothing is wider than the window",
  async () => {
    const size = { width: 390, height: 844 };
    await using stage = await PageStage.open({ size, isDark: true });
    const { page } = stage;
    await stage.join("phone-client");
    stage.broker.publish("kept", "1", { retain: true });
    await stage.enter("overview", "Overview");
    const views = ["Overview", "Clients", "Topics", "Retained", "Streams", "Messages"];
    for (const view of views) {
      await page.getByRole("navigation").getByRole("link", { name: view }).click();
      await stage.heading(view).waitFor();
      const widest = await page.evaluate("document.documentElement.scrollWidth") as number;
      assert(widest <= size.width, `${view}: ${widest} pixels`);
      await stage.isAccessible(`${view}, dark, on a phone`);
    }
    const background = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await background();
    await stage.button("Colours").click();
    assert(await background() !== dark);
  },
);

testWith(
  ["chromium"],
  "a token with the scope read sees no payload, and changes nothing",
  async () => {
    const hash = await hashToken("reader");
    const tokenFile = new TokenFile([{ name: "reader", scope: "read", hash }]);
    await using stage = await PageStage.open({ admin: { tokenFile } });
    const { page } = stage;
    await stage.join("somebody");
    stage.broker.publish("kept", "secret", { retain: true });
    await stage.enter("clients/somebody", "somebody", "reader");
    for (const action of ["Disconnect", "Ban", "End session"]) {
      assert(await stage.button(action).isDisabled());
    }
    await stage.go("retained", "Retained");
    await stage.button("kept").click();
    await stage.sees(/Payloads take a token with the scope/);
    assert(await stage.button("Delete").isDisabled());
    await stage.go("messages", "Messages");
    await stage.sees(/takes a token with the scope/);
    assertEquals(await page.getByText("secret").count(), 0);
  },
);

testWith(
  ["chromium"],
  "the colours are those of the system, while it changes too, until others are chosen",
  async () => {
    await using stage = await PageStage.open({ isDark: true });
    const { page } = stage;
    await stage.enter("overview", "Overview");
    const style = "getComputedStyle(document.documentElement)";
    const shown = () =>
      page.evaluate(
        "[document.documentElement.dataset.theme, " +
          `${style}.colorScheme, ${style}.getPropertyValue("--bg").trim()]`,
      );
    const shows = (theme: string) => page.locator(`html[data-theme="${theme}"]`).waitFor();
    const dark = ["dark", "dark", "#0f151b"];
    const light = ["light", "light", "#f5f7f8"];
    assertEquals(await shown(), dark);
    await page.emulateMedia({ colorScheme: "light" });
    // The page is told of it a moment later.
    await shows("light");
    assertEquals(await shown(), light);
    await stage.button("Colours").click();
    assertEquals(await shown(), dark);
    await page.reload();
    await stage.heading("Overview").waitFor();
    assertEquals(await shown(), dark);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.emulateMedia({ colorScheme: "light" });
    assertEquals(await shown(), dark);
    assertEquals(stage.complaints, []);
  },
);

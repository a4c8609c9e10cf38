/** A broker with clients, its admin listener, and a browser that shows the page. */
import axe from "npm:axe-core@4.14.1/axe.min.js" with { type: "text" };
import { type Browser, chromium, type Locator, type Page } from "npm:playwright-core@1.65.1";
import { assertEquals } from "@std/assert";
import { type AdminListener, type AdminOptions, listenAdmin } from "../../admin/mod.ts";
import { type Client, connect, type ConnectOptions } from "../../client/mod.ts";
import { CHROMIUM_FLAGS } from "../harness/chromium.ts";
import { Broker, type BrokerOptions } from "../../mod.ts";

/** How long a step may take; a machine may have much else to do. */
const STEP_MS = 120_000;

/** How Chromium is started. */
export const CHROMIUM = {
  executablePath: "/usr/bin/chromium",
  timeout: STEP_MS,
  args: CHROMIUM_FLAGS,
};

/** What axe-core finds. */
interface Finding {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
}

/** How the page is opened. */
export interface StageOptions {
  readonly admin?: AdminOptions;
  readonly broker?: BrokerOptions;
  /** Width and height of the window, in pixels. */
  readonly size?: { readonly width: number; readonly height: number };
  readonly isDark?: boolean;
}

/** A broker, and a page that looks at it. */
export class PageStage implements AsyncDisposable {
  /** What the browser has complained of: errors, and what the policy for contents forbids. */
  readonly complaints: string[] = [];
  readonly broker: Broker;
  readonly admin: AdminListener;
  readonly page: Page;
  readonly #browser: Browser;
  readonly #port: number;
  readonly #clients: Client[] = [];

  private constructor(
    broker: Broker,
    admin: AdminListener,
    port: number,
    browser: Browser,
    page: Page,
  ) {
    this.broker = broker;
    this.admin = admin;
    this.#port = port;
    this.#browser = browser;
    this.page = page;
    page.setDefaultTimeout(STEP_MS);
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      // The answer to a request that fails on purpose is told here, too.
      const isAnswer = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !isAnswer) this.complaints.push(message.text());
    });
  }

  /** Opens everything; the page is not loaded yet. */
  static async open(
    { admin = {}, broker = {}, size, isDark }: StageOptions = {},
  ): Promise<PageStage> {
    const made = new Broker(broker);
    const { port } = await made.listen({ port: 0, policy: { name: "lan" } });
    const listener = await listenAdmin(made, { port: 0, ...admin });
    const browser = await chromium.launch(CHROMIUM);
    const context = await browser.newContext({
      viewport: size ?? { width: 1280, height: 900 },
      colorScheme: isDark ? "dark" : "light",
      reducedMotion: "reduce",
    });
    return new PageStage(made, listener, port, browser, await context.newPage());
  }

  /** Where a path of the admin listener is. */
  url(path = "/"): string {
    return `http://127.0.0.1:${this.admin.port}${path}`;
  }

  /** Loads the page with a token, and waits for a view. */
  async enter(view: string, title: string, token: string = this.admin.token!): Promise<void> {
    await this.page.goto(this.url(`/#token=${token}`));
    await this.heading("Overview").waitFor();
    await this.go(view, title);
  }

  /** Goes to a view. */
  async go(view: string, title: string): Promise<void> {
    await this.page.evaluate((hash) => {
      location.hash = hash;
    }, `#/${view}`);
    await this.heading(title).waitFor();
  }

  /** The heading of the view. */
  heading(title: string): Locator {
    return this.page.getByRole("heading", { level: 1, name: title, exact: true });
  }

  /** A button with exactly this name. */
  button(name: string): Locator {
    return this.page.getByRole("button", { name, exact: true });
  }

  /** The dialog that is open. */
  get dialog(): Locator {
    return this.page.getByRole("dialog");
  }

  /** Confirms what the dialog asks, and waits until it is done: then the dialog is closed. */
  async confirm(verb: string): Promise<void> {
    await this.dialog.getByRole("button", { name: verb, exact: true }).click();
    await this.dialog.waitFor({ state: "detached" });
  }

  /** Waits until a text is there. */
  async sees(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  /** Connects an MQTT client to the broker. */
  async join(clientId: string, options: ConnectOptions = {}): Promise<Client> {
    const client = await connect(`mqtt://127.0.0.1:${this.#port}`, {
      clientId,
      reconnect: false,
      keepAliveSeconds: 0,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** Asserts that axe-core finds nothing serious in what is shown. */
  async isAccessible(view: string): Promise<void> {
    // The debugger of the browser runs it: the policy for contents does not bind it.
    await this.page.evaluate(axe);
    const found: Finding[] = await this.page.evaluate("axe.run().then((all) => all.violations)");
    const serious = found.filter(({ impact }) => impact === "serious" || impact === "critical");
    const told = serious.map(({ id, nodes }) =>
      `${id}: ${nodes.map(({ html }) => html).join(" ")}`
    );
    assertEquals(told, [], view);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    for (const client of this.#clients) await client.close();
    await this.admin.close();
    await this.broker.close();
    assertEquals(this.complaints, []);
  }
}

/** A broker with dynamic security, and an administrator who sends it commands. */
import { type DynamicSecurity, openDynamicSecurity } from "../../admin/mod.ts";
import { type Client, connect, type ConnectOptions } from "../../client/mod.ts";
import { Broker, type BrokerOptions } from "../../mod.ts";
import type { Store } from "../../store/mod.ts";
import { within } from "./deadline.ts";

export const CONTROL = "$CONTROL/dynamic-security/v1";
export const RESPONSE = `${CONTROL}/response`;

/** The administrator's rights, as `mosquitto_ctrl dynsec init` gives them. */
export const ADMIN_ACLS = [
  { acltype: "publishClientSend", topic: `${CONTROL}/#`, allow: true },
  { acltype: "publishClientReceive", topic: `${CONTROL}/#`, allow: true },
  { acltype: "subscribePattern", topic: `${CONTROL}/#`, allow: true },
];

/** A command, with its fields. */
export type Command = { readonly command: string } & Record<string, unknown>;

/** Sends commands over MQTT, and reads the answers. */
export class Admin implements AsyncDisposable {
  readonly client: Client;
  readonly #answers: AsyncIterableIterator<{ payload: Uint8Array }>;

  private constructor(client: Client, answers: AsyncIterableIterator<{ payload: Uint8Array }>) {
    this.client = client;
    this.#answers = answers;
  }

  static async connect(port: number, options: ConnectOptions): Promise<Admin> {
    const client = await connect(`mqtt://127.0.0.1:${port}`, { reconnect: false, ...options });
    const answers = client.subscribe(RESPONSE);
    await answers.ready;
    return new Admin(client, answers);
  }

  /** Sends commands; the answers to them. */
  async send(...commands: readonly Command[]): Promise<Record<string, unknown>[]> {
    await this.client.publish(CONTROL, JSON.stringify({ commands }), { qos: 1 });
    return await this.read();
  }

  /** Sends commands that must succeed; the data of the last answer. */
  async must(...commands: readonly Command[]): Promise<Record<string, unknown>> {
    const answers = await this.send(...commands);
    const fault = answers.find(({ error }) => error !== undefined);
    if (fault !== undefined) throw new Error(JSON.stringify(fault));
    return (answers.at(-1)?.data ?? {}) as Record<string, unknown>;
  }

  async read(): Promise<Record<string, unknown>[]> {
    const { value } = await within("an answer", this.#answers.next());
    return JSON.parse(new TextDecoder().decode(value!.payload)).responses;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

/** The site of a test. */
export class SecuritySite implements AsyncDisposable {
  readonly broker: Broker;
  readonly security: DynamicSecurity;
  readonly port: number;

  private constructor(broker: Broker, security: DynamicSecurity, port: number) {
    this.broker = broker;
    this.security = security;
    this.port = port;
  }

  /** Starts a broker on a store; on a new one with an administrator, `admin` with `adminpw`. */
  static async start(store: Store | null, options: BrokerOptions = {}): Promise<SecuritySite> {
    const broker = store === null ? new Broker(options) : await Broker.open(store, options);
    const security = await openDynamicSecurity(broker);
    if (security.isNew) {
      await security.import(JSON.stringify({ roles: [{ rolename: "admin", acls: ADMIN_ACLS }] }));
      await security.run(
        [{
          command: "createClient",
          username: "admin",
          password: "adminpw",
          roles: [{ rolename: "admin" }],
        }],
        "a test",
        () => {},
      );
    }
    const { authenticator } = security;
    const rules = { authenticator, authorizer: security.authorizer(), control: security };
    const { port } = await broker.listen({ port: 0, policy: broker.listenerPolicy(rules) });
    return new SecuritySite(broker, security, port);
  }

  /** Connects the administrator. */
  admin(options: ConnectOptions = {}): Promise<Admin> {
    const login = { clientId: "ctrl", username: "admin", password: "adminpw" };
    return Admin.connect(this.port, { ...login, ...options });
  }

  /** Connects a client that has an account. */
  connect(username: string, options: ConnectOptions = {}): Promise<Client> {
    const login = { clientId: username, username, password: "pw", reconnect: false as const };
    return connect(`mqtt://127.0.0.1:${this.port}`, { ...login, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.security.stop();
    await this.broker.close({ graceMs: 0 });
    await this.security.close();
  }
}

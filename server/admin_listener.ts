/**
 * Admin listeners, as a configuration or the command line asks for them.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import type {
  AdminListener,
  AdminOptions,
  CertificateInfo,
  ListenerInfo,
  Operations,
} from "../admin/mod.ts";
import type { Configuration, ListenerConfiguration } from "../config/options/configuration.ts";
import { isAnonymousAllowed, nameOf } from "../config/effect/listener_rules.ts";
import type { Broker } from "../mod.ts";
import { bindAddresses, systemSources } from "./bind_addresses.ts";
import type { ListenerMaterial, Material } from "./listener_files.ts";
import { say } from "../cli/terminal.ts";

/** What the admin listeners of a server serve. */
export type AdminService =
  & { readonly operations: Operations }
  & Readonly<Pick<AdminOptions, "api" | "token">>;

/**
 * Opens the admin listener of a configuration, on one address.
 *
 * @param port The port to bind to.
 */
export async function openAdmin(
  broker: Broker,
  listener: ListenerConfiguration,
  material: ListenerMaterial,
  service: AdminService,
  port: number,
): Promise<AdminListener> {
  const { settings, host } = listener;
  const wish = { host, networkInterface: settings.bind_interface, family: settings.socket_domain };
  const [hostname = "127.0.0.1"] = await bindAddresses(wish, systemSources);
  return await listenAndTell(broker, {
    hostname,
    port,
    ...material.tls === null ? {} : { tls: material.tls },
    ...adminAccessOf(listener, material),
    names: [...settings.fairway_admin_host, ...host === null ? [] : [host]],
    directory: settings.http_dir,
    ...service,
  });
}

/** Opens an admin listener, and prints its token, if one was made: nobody sees it again. */
async function listenAndTell(
  broker: Broker,
  options: AdminOptions,
): Promise<AdminListener> {
  const { listenAdmin } = await import("../admin/mod.ts");
  const admin = await listenAdmin(broker, options);
  if (admin.token !== null) {
    const url = adminUrl(admin, options.tls !== undefined);
    say(`Admin token for ${url}, until the server stops: ${admin.token}`);
  }
  return admin;
}

/** Where an admin listener can be reached. */
export function adminUrl(
  { hostname, port }: Pick<AdminListener, "hostname" | "port">,
  isEncrypted: boolean,
): string {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `http${isEncrypted ? "s" : ""}://${host}:${port}`;
}

/** Who may use an admin listener, as its configuration says it. */
export function adminAccessOf(
  { settings }: ListenerConfiguration,
  { tokens, accounts, rules }: ListenerMaterial,
): AdminOptions {
  const allowAnonymous = settings.fairway_admin_allow_anonymous;
  return { tokenFile: tokens, accounts, rules, allowAnonymous };
}

/** Who may use an admin listener, in words. */
export function whoMayAdminister({ settings, security }: ListenerConfiguration): string {
  if (settings.fairway_admin_allow_anonymous) return "anyone, to look and to change everything";
  if (settings.fairway_admin_tokens !== null) return "whoever has a token of the file";
  const { acl_file: file, fairway_http_acl_url: url } = security;
  const hasRules = file !== null || url !== null || security.fairway_dynamic_security_file !== null;
  return !hasRules
    ? "whoever has the token that was printed"
    : "accounts with a right to $CONTROL/admin";
}

/** When the certificates of listeners expire. */
export function certificatesOf(
  { listeners }: Configuration,
  material: Material,
): CertificateInfo[] {
  return listeners.flatMap((listener, index) => {
    const cert = material.listeners[index]?.tls?.cert;
    if (cert === undefined) return [];
    const { validTo } = new X509Certificate(cert);
    return [{ listener: nameOf(listener), expirySeconds: Date.parse(validTo) / 1000 }];
  });
}

/** A listener as mosquitto's API tells it. */
export function listenerInfo(listener: ListenerConfiguration): ListenerInfo {
  const { port, path, settings } = listener;
  const protocol = settings.protocol === "http_api" ? "httpapi" : settings.protocol;
  const isAdmin = protocol === "httpapi";
  return {
    ...path === null ? { port } : { path },
    protocol,
    tls: settings.certfile !== null,
    mtls: settings.require_certificate,
    allow_anonymous: isAdmin
      ? settings.fairway_admin_allow_anonymous
      : isAnonymousAllowed(listener),
  };
}

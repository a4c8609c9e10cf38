/** Finds options of bridges that contradict each other. */
import { parseAddress } from "../../bridge/addresses.ts";
import type { BridgeConfiguration, Configuration } from "../options/configuration.ts";
import type { Remark } from "../errors/errors.ts";
import type { BridgeValues } from "../options/bridge_words.ts";

/** Options that turn TLS on for an address without a scheme, as in mosquitto. */
const TLS_WORDS = ["bridge_cafile", "bridge_capath", "bridge_tls_use_os_certs"] as const;

/** Options that have no effect without TLS. */
const NEED_TLS = [
  "bridge_certfile",
  "bridge_keyfile",
  "bridge_alpn",
  "bridge_tls_version",
] as const;

/** Whether a bridge has TLS for addresses without a scheme. */
export function hasTlsWords(settings: BridgeValues): boolean {
  return TLS_WORDS.some((word) => settings[word] !== null && settings[word] !== false);
}

/** Finds options of bridges that contradict each other, though each value is valid. */
export function checkBridges(
  { bridges }: Configuration,
  problems: Remark[],
  notes: Remark[],
): void {
  for (const bridge of bridges) {
    const place = (word: string) => bridge.places.get(word) ?? bridge.place;
    const complain = (word: string, text: string) => {
      problems.push({ place: place(word), word, text });
    };
    checkNames(bridge, bridges, complain);
    checkBridgeTls(bridge, complain);
    const { settings } = bridge;
    if (settings.remote_password !== null && settings.remote_username === null) {
      complain("remote_password", "needs a remote_username beside it");
    }
    if (settings.topic.length === 0) {
      const text = `"${bridge.name}" has no topic: no message passes`;
      notes.push({ place: bridge.place, word: "connection", text });
    }
  }
}

function checkNames(
  bridge: BridgeConfiguration,
  bridges: readonly BridgeConfiguration[],
  complain: (word: string, text: string) => void,
): void {
  const { name, settings } = bridge;
  if (settings.address.length === 0) {
    complain("connection", `"${name}" needs an address: put a line such as address example.org`);
  }
  const id = localClientIdOf(settings);
  if (id === null) return;
  const other = bridges.find((one) => one !== bridge && localClientIdOf(one.settings) === id);
  if (other !== undefined) complain("local_clientid", `"${id}" is that of "${other.name}" as well`);
  if (id === settings.remote_clientid) {
    complain("local_clientid", "must differ from the remote_clientid");
  }
}

/** `null` if it has the name of the bridge in it, which is unique. */
function localClientIdOf(settings: BridgeValues): string | null {
  const { local_clientid, remote_clientid } = settings;
  return local_clientid ?? (remote_clientid === null ? null : `local.${remote_clientid}`);
}

function checkBridgeTls(
  { settings }: BridgeConfiguration,
  complain: (word: string, text: string) => void,
): void {
  const endpoints = settings.address.map((address) => parseAddress(address, hasTlsWords(settings)));
  const isTls = endpoints.some(({ scheme }) => scheme === "mqtts" || scheme === "wss");
  if ((settings.bridge_certfile === null) !== (settings.bridge_keyfile === null)) {
    const word = settings.bridge_certfile === null ? "bridge_keyfile" : "bridge_certfile";
    complain(word, "needs both bridge_certfile and bridge_keyfile");
  }
  for (const word of NEED_TLS) {
    if (settings[word] === null || isTls) continue;
    complain(word, "needs TLS: give a bridge_cafile, or bridge_tls_use_os_certs true");
  }
  if (settings.bridge_require_ocsp) {
    complain("bridge_require_ocsp", "Deno cannot ask for OCSP: leave it out, or set it to false");
  }
}

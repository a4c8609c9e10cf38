/** Prints the configuration in effect, as a configuration. */
import { limitsOf } from "./broker_options.ts";
import type { Configuration, ListenerConfiguration } from "../options/configuration.ts";
import { BRIDGE_OPTIONS, type BridgeValues } from "../options/bridge_words.ts";
import type { OptionTable } from "../options/option.ts";
import {
  GLOBAL_OPTIONS,
  LIMIT_OPTIONS,
  LISTENER_OPTIONS,
  SECURITY_OPTIONS,
} from "../options/options.ts";
import { STREAM_OPTIONS } from "../options/stream_words.ts";

/**
 * Formats a configuration with all values in effect, defaults included. The result is a
 * configuration with the same meaning, but without passwords.
 */
export function printEffective(configuration: Configuration): string {
  const { global, listeners } = configuration;
  const isShared = !global.per_listener_settings;
  const lines = printWords(GLOBAL_OPTIONS, global);
  lines.push(...printLimits(configuration));
  for (const { name } of configuration.removedStreams) lines.push(`fairway_stream_remove ${name}`);
  if (isShared) lines.push(...printWords(SECURITY_OPTIONS, listeners[0]!.security));
  for (const { name, settings } of configuration.streams) {
    lines.push("", `fairway_stream ${name}`, ...printWords(STREAM_OPTIONS, settings));
  }
  for (const { name, settings } of configuration.bridges) {
    lines.push("", `connection ${name}`, ...printBridge(settings));
  }
  for (const listener of listeners) lines.push("", ...printListener(listener, isShared));
  return `${lines.join("\n")}\n`;
}

/** A password is for nobody's eyes. */
function printBridge(settings: BridgeValues): string[] {
  const lines = printWords(BRIDGE_OPTIONS, { ...settings, remote_password: null });
  return settings.remote_password === null ? lines : [...lines, "# remote_password is not shown"];
}

function printListener(listener: ListenerConfiguration, isShared: boolean): string[] {
  const { port, host, path, settings, security } = listener;
  const where = path ?? host;
  return [
    where === null ? `listener ${port}` : `listener ${port} ${where}`,
    ...printWords(LISTENER_OPTIONS, settings),
    ...(isShared ? [] : printWords(SECURITY_OPTIONS, security)),
  ];
}

function printLimits(configuration: Configuration): string[] {
  const inEffect = Object.values(limitsOf(configuration));
  return Object.keys(LIMIT_OPTIONS).map((word, index) => `${word} ${inEffect[index]}`);
}

/** The options of a table. `per_listener_settings` must be first. */
function printWords(table: OptionTable, values: object): string[] {
  const entries = Object.entries(values) as [string, unknown][];
  return entries.flatMap(([word, value]) =>
    table[word]!.print(value).map((text) => `${word} ${text}`)
  );
}

/** Hooks that write the events of the broker to the operator's log. */
import type { OperatorLog } from "../admin/operator_log.ts";
import { traceOf } from "../admin/trace.ts";
import type { BrokerHooks } from "../mod.ts";
import { hostOf } from "../transport/cidr.ts";
import { codeText, loginFailedLine, storeFullLine } from "./log_lines.ts";

/** Hooks that log the broker's events, in the words of mosquitto. */
export function logHooks(log: OperatorLog, isConnectionLogged: () => boolean): BrokerHooks {
  return {
    failed: (error) => {
      const trace = traceOf(error);
      log.writeSeldom(`failed ${trace}`, "error", `Internal error: ${trace}`);
    },
    connected: ({ clientId, address, username, protocolVersion }) => {
      if (!isConnectionLogged()) return;
      const user = username === null ? "" : `, u'${username}'`;
      log.writeSeldom(
        `connected ${hostOf(address)} ${clientId}`,
        "notice",
        `New client connected from ${address} as ${clientId} (p${protocolVersion}${user}).`,
        { event: "connected", clientId, username, address, protocolVersion },
      );
    },
    disconnected: ({ clientId, username, address }, { by, reasonCode, error }) => {
      if (!isConnectionLogged()) return;
      const why = error instanceof Error ? `: ${error.message}` : "";
      const code = codeText(reasonCode);
      const how = { client: "disconnected", network: "closed its connection" };
      const text = by === "broker"
        ? `Client ${clientId} disconnected by the broker (${code})${why}.`
        : `Client ${clientId} ${how[by]}${by === "client" ? "" : why}.`;
      const event = { event: "disconnected", clientId, username, address, by, reasonCode };
      log.writeSeldom(`gone ${by} ${reasonCode} ${clientId}`, "notice", text, event);
    },
    refused: (address, clientId, reasonCode) => {
      if (!isConnectionLogged()) return;
      const code = codeText(reasonCode);
      const who = clientId === null || clientId === "" ? "A client" : `Client ${clientId}`;
      const event = { event: "refused", clientId, address, reasonCode };
      const text = `${who} from ${address} was refused (${code}).`;
      log.writeSeldom(`refused ${reasonCode} ${hostOf(address)}`, "notice", text, event);
    },
    handshakeFailed: (address, error) => {
      if (!isConnectionLogged()) return;
      const why = error instanceof Error ? error.message : String(error);
      const event = { event: "handshake-failed", address, error: why };
      const text = `Connection from ${address} failed: ${why}`;
      log.writeSeldom(`failed ${why} ${hostOf(address)}`, "notice", text, event);
    },
    loginFailed: (failure) => {
      const kind = `login-failed ${hostOf(failure.address)}`;
      const event = { event: "login-failed", ...failure };
      log.writeSeldom(kind, "notice", loginFailedLine(failure), event);
    },
    limited: ({ reason, address, clientId }) => {
      if (!log.takes("debug")) return;
      const text = `Limit reached: ${reason}, ${clientId ?? address ?? "everyone"}`;
      const event = { event: "limited", reason, address, clientId };
      const who = clientId ?? (address === null ? "" : hostOf(address));
      log.writeSeldom(`limited ${reason} ${who}`, "debug", text, event);
    },
    busy: (isBusy, lagMs) => {
      const text = isBusy
        ? "Overloaded, refusing new connections"
        : "Accepting new connections again";
      log.write("warning", `${text}: the event loop is ${Math.round(lagMs)} ms late`);
    },
    storeFull: (isFull, reason) => {
      if (isFull) log.write("error", storeFullLine(reason));
      else log.write("notice", "The store works again");
    },
    dropped: ({ reason, topic, clientId }) => {
      if (!log.takes("debug")) return;
      const text = `Dropped (${reason}) for ${clientId ?? "several"}: ${topic ?? "many"}`;
      const event = { event: "dropped", reason, topic, clientId };
      log.writeSeldom(`dropped ${reason} ${clientId} ${topic}`, "debug", text, event);
    },
  };
}

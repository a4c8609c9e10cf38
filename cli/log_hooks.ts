import type { OperatorLog } from "../admin/operator_log.ts";
import { traceOf } from "../admin/trace.ts";
import type { BrokerHooks } from "../mod.ts";
import { codeText, loginFailedLine, storeFullLine } from "./log_lines.ts";

/** Hooks that log the broker's events, in the words of mosquitto. */
export function logHooks(log: OperatorLog, isConnectionLogged: () => boolean): BrokerHooks {
  return {
    failed: (error) => log.write("error", `Internal error: ${traceOf(error)}`),
    connected: ({ clientId, address, username, protocolVersion }) => {
      if (!isConnectionLogged()) return;
      const user = username === null ? "" : `, u'${username}'`;
      log.write(
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
      log.write("notice", text, event);
    },
    refused: (address, clientId, reasonCode) => {
      if (!isConnectionLogged()) return;
      const code = codeText(reasonCode);
      const who = clientId === null || clientId === "" ? "A client" : `Client ${clientId}`;
      const event = { event: "refused", clientId, address, reasonCode };
      log.write("notice", `${who} from ${address} was refused (${code}).`, event);
    },
    arrivalFailed: (address, error) => {
      if (!isConnectionLogged()) return;
      const why = error instanceof Error ? error.message : String(error);
      const event = { event: "handshake-failed", address, error: why };
      log.write("notice", `Connection from ${address} failed: ${why}`, event);
    },
    loginFailed: (failure) =>
      log.write("notice", loginFailedLine(failure), { event: "login-failed", ...failure }),
    limited: ({ reason, address, clientId }) => {
      if (!log.takes("debug")) return;
      const text = `Limit reached: ${reason}, ${clientId ?? address ?? "everyone"}`;
      log.write("debug", text, { event: "limited", reason, address, clientId });
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
      log.write("debug", text, { event: "dropped", reason, topic, clientId });
    },
  };
}

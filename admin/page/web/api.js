/** Requests to the API, with the token of this tab; and the live view, a stream of lines. */

const TOKEN_KEY = "fairway-token";

/** A request that was answered with an error. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

/** The token of this tab, and whom it belongs to. */
export const session = {
  /** The value of the header Authorization; `null` for none. */
  get authorization() {
    return sessionStorage.getItem(TOKEN_KEY);
  },
  /**
   * Who asks, as the server says; `null` before the login.
   *
   * @type {{ name: string, scope: "read" | "write" } | null}
   */
  caller: null,
  /** Called when the server does not know the token any more. */
  onLost: () => {},
  /** User name and password for MQTT. */
  get mqtt() {
    const given = this.authorization;
    if (given === null) return {};
    const [scheme, value] = given.split(" ");
    if (scheme === "Bearer") return { password: value };
    const text = new TextDecoder().decode(Uint8Array.from(atob(value), (c) => c.charCodeAt(0)));
    const colon = text.indexOf(":");
    return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  },
  /** Whether the caller may change things. */
  get mayWrite() {
    return this.caller?.scope === "write";
  },
  /** Keeps a token, or a user name and a password, for this tab. */
  keep(name, secret) {
    sessionStorage.setItem(TOKEN_KEY, name === "" ? `Bearer ${secret}` : basic(name, secret));
  },
  /** Forgets it. */
  forget() {
    sessionStorage.removeItem(TOKEN_KEY);
    this.caller = null;
  },
};

/** Finds out who asks. Throws an `ApiError` with the status 401 if a token is missing or wrong. */
export async function login() {
  session.caller = (await request("GET", "/caller")).data;
}

/**
 * Sends a request, and returns what it is answered with; `null` for nothing.
 *
 * @param {string} method
 * @param {string} path Below `/api/v1`.
 * @param {{ query?: Record<string, any>, body?: object, signal?: AbortSignal }} options
 * @returns {Promise<any>}
 */
export async function request(method, path, { query = {}, body, signal } = {}) {
  const url = new URL(`/api/v1${path}`, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  const response = await fetch(url, {
    method,
    headers: headersOf(body),
    credentials: "omit",
    ...body === undefined ? {} : { body: JSON.stringify(body) },
    ...signal === undefined ? {} : { signal },
  });
  if (response.ok) return response.status === 204 ? null : await response.json();
  throw await errorOf(response);
}

/**
 * Reads the live view until the signal aborts: calls `onEvent` for each line, and `onState` with
 * `"live"` or `"lost"`. It connects again by itself.
 */
export async function watch({ topics, signal, onEvent, onState }) {
  while (!signal.aborted) {
    try {
      const url = new URL("/api/v1/live", location.origin);
      url.searchParams.set("topics", topics);
      const response = await fetch(url, { headers: headersOf(), credentials: "omit", signal });
      if (!response.ok) throw await errorOf(response);
      onState("live");
      await readLines(response.body, onEvent);
    } catch (error) {
      if (signal.aborted || (error instanceof ApiError && error.status === 401)) return;
    }
    onState("lost");
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

async function readLines(body, onEvent) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onEvent(JSON.parse(line));
  }
}

/** @param {object} [body] */
function headersOf(body) {
  const { authorization } = session;
  return {
    ...authorization === null ? {} : { authorization },
    ...body === undefined ? {} : { "content-type": "application/json" },
  };
}

async function errorOf(response) {
  let message = `The server answers with ${response.status}`;
  try {
    message = (await response.json()).error.message;
  } catch {
    // It was no JSON.
  }
  if (response.status === 401) session.onLost();
  return new ApiError(message, response.status);
}

function basic(name, secret) {
  const utf8 = new TextEncoder().encode(`${name}:${secret}`);
  return `Basic ${btoa(Array.from(utf8, (byte) => String.fromCharCode(byte)).join(""))}`;
}

/** A payload as text, as JSON or as hex digits. It is shown, never run. */
import { html, useState } from "./preact.js";
import { bytes as bytesOf } from "./format.js";
import { Tabs } from "./ui.js";

/** Bytes of a line of hex digits. */
const HEX_LINE = 16;
/** Bytes that are shown; more of them would only slow the browser down. */
const SHOWN_MAX = 64 * 1024;

/** The bytes of a base64 text. */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** The text of bytes; `null` if they are none. */
export function textOf(payload) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
    // deno-lint-ignore no-control-regex
    return /[\0-\x08\x0e-\x1f\x7f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** The JSON of a text with its lines indented; `null` if it is none. */
export function jsonOf(text) {
  if (text === null || !/^\s*[[{"]/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

/** Bytes as lines of an offset, hex digits and characters. */
export function hexOf(payload) {
  const lines = [];
  for (let at = 0; at < payload.length; at += HEX_LINE) {
    const part = payload.subarray(at, at + HEX_LINE);
    const digits = Array.from(part, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const characters = Array.from(
      part,
      (byte) => byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·",
    ).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${digits.padEnd(3 * HEX_LINE)} ${characters}`);
  }
  return lines.join("\n");
}

/** A payload in a few words, for a line. */
export function preview(payload, length = 120) {
  const begin = payload.subarray(0, length * 4);
  let text = textOf(begin);
  for (let cut = 1; text === null && cut < 4 && begin.length < payload.length; cut++) {
    text = textOf(begin.subarray(0, begin.length - cut));
  }
  if (text !== null) return text.slice(0, length);
  return Array.from(payload.subarray(0, length / 3), (byte) => byte.toString(16).padStart(2, "0"))
    .join(" ");
}

/** Shows a payload; `size` is how long it is if not all of it is here. */
export function Payload({ payload, size = payload.length }) {
  const [wanted, setWanted] = useState(null);
  const shown = payload.subarray(0, SHOWN_MAX);
  // A character may be cut where the payload is.
  const text = textOf(shown) ?? (shown.length < size ? textOf(shown.subarray(0, -1)) : null);
  const pretty = jsonOf(text);
  const forms = [
    ["json", "JSON", pretty],
    ["text", "Text", text],
    ["hex", "Hex", ""],
  ].filter(([, , content]) => content !== null);
  const form = forms.some(([name]) => name === wanted) ? wanted : forms[0][0];
  const content = form === "json" ? pretty : form === "text" ? text : hexOf(shown);
  return html`
    <div class="payload">
      <div class="payload-head">
        <${Tabs} label="How the payload is shown" tabs=${forms} chosen=${form} onChoose=${setWanted} />
        <span class="muted">${bytesOf(size)}${shown.length < size
          ? `, the first ${bytesOf(shown.length)} shown`
          : ""}</span>
      </div>
      ${size === 0
        ? html`<p class="empty">The payload is empty.</p>`
        : html`<pre tabindex="0" role="region" aria-label="Payload" data-form=${form}>${content}</pre>`}
    </div>
  `;
}

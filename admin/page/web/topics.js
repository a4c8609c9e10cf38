/** The topics that messages are published to, as a tree that grows, with the last message of each. */
import { request, session } from "./api.js";
import { bytes, count, dateTime, short } from "./format.js";
import { live, useLive } from "./live.js";
import { fromBase64, Payload } from "./payload.js";
import { html, useEffect, useRef, useState } from "./preact.js";
import { Card, Empty, Facts, Fault, Field, Icon, useLoaded, View } from "./ui.js";

/** Rows that are shown; more of them would only slow the browser down. */
const ROWS_MAX = 500;

/** The view. */
export function Topics() {
  const { topics } = useLive();
  const [open, setOpen] = useState(new Set());
  const [chosen, setChosen] = useState(null);
  const [text, setText] = useState("");
  useEffect(() => {
    live.watchTopics(true);
    return () => live.watchTopics(false);
  }, []);
  const rows = topics.rows(open, text);
  const toggle = (id, isOpen) => {
    const next = new Set(open);
    if (isOpen) next.add(id);
    else next.delete(id);
    setOpen(next);
  };
  const { root } = topics;
  const all = root === null ? 0 : root.total;
  const other = [...topics.nodes.values()].reduce((sum, node) => sum + node.other, 0);
  const node = chosen === null ? null : topics.nodes.get(chosen) ?? null;
  return html`
    <${View} title="Topics" lead=${`${
      count(all)
    } messages since somebody looks. Topics appear as messages pass.`}>
      <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
        <${Field} label="Search"><input type="search" placeholder="part of a topic" value=${text}
          onInput=${({ target }) => setText(target.value)} /><//>
      </form>
      <div class="split">
        <${Card} kind="tree-card">
          ${rows.length === 0
            ? html`<${Empty}>${
              text === "" ? "No message has passed yet." : "No topic has this text."
            }<//>`
            : html`<${Tree} rows=${
              rows.slice(0, ROWS_MAX)
            } chosen=${chosen} onChoose=${setChosen} onToggle=${toggle} />`}
          ${rows.length > ROWS_MAX &&
            html`<p class="muted pad">${count(rows.length - ROWS_MAX)} more: search for some.</p>`}
          ${other > 0 &&
            html`<p class="muted pad">${
              count(other)
            } messages were to other topics, for which the tree has no room.</p>`}
        <//>
        ${node === null
          ? html`
            <${Card}>
              <${Empty}>Choose a topic to see its last message.<//><//>
          `
          : html`<${Topic} key=${node.id} node=${node} />`}
      </div>
    <//>
  `;
}

/** The tree, for the mouse and for the keys that a tree has. */
function Tree({ rows, chosen, onChoose, onToggle }) {
  const list = useRef(null);
  const index = Math.max(0, rows.findIndex(({ node }) => node.id === chosen));
  const go = (to) => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, to))];
    onChoose(row.node.id);
    list.current.querySelector(`[data-id="${row.node.id}"]`)?.focus();
  };
  const onKey = (event) => {
    const { node, hasChildren, isOpen, depth } = rows[index];
    const keys = {
      ArrowDown: () => go(index + 1),
      ArrowUp: () => go(index - 1),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      ArrowRight: () => isOpen ? go(index + 1) : hasChildren && onToggle(node.id, true),
      ArrowLeft: () => isOpen ? onToggle(node.id, false) : go(parentOf(rows, index, depth)),
      Enter: () => onToggle(node.id, !isOpen),
      " ": () => onToggle(node.id, !isOpen),
    };
    if (keys[event.key] === undefined) return;
    event.preventDefault();
    keys[event.key]();
  };
  return html`
    <ul class="tree" role="tree" aria-label="Topics" ref=${list} onKeyDown=${onKey}>
      ${rows.map(({ node, depth, hasChildren, isOpen }, i) =>
        html`
          <li key=${node.id} role="treeitem" data-id=${node.id} data-depth=${Math.min(depth, 12)}
            aria-level=${depth + 1} aria-selected=${node.id === chosen} aria-expanded=${hasChildren
              ? isOpen
              : null}
            tabindex=${i === index ? 0 : -1}
            onClick=${() => {
              onChoose(node.id);
              if (hasChildren) onToggle(node.id, !isOpen);
            }}>
            <span class="twist ${hasChildren ? "" : "leaf"} ${isOpen
              ? "open"
              : ""}">${hasChildren && html`<${Icon} name="chevron" />`}</span>
            <span class="name">${node.name === "" ? "(empty)" : node.name}</span>
            ${node.isRetained &&
              html`<span class="flag" title="The last message was retained">R</span>`}
            <span class="preview">${node.preview ?? ""}</span>
            <span class="rate">${node.rate > 0 ? `${short(node.rate)}/s` : ""}</span>
            <span class="total">${short(node.total)}</span>
          </li>
        `
      )}
    </ul>
  `;
}

function parentOf(rows, index, depth) {
  for (let at = index; at >= 0; at--) if (rows[at].depth < depth) return at;
  return index;
}

/** One topic with its last message. */
function Topic({ node }) {
  const { topic, messages, total, bytes: payloadBytes, rate, children, other } = node;
  const { data, error } = useLoaded(
    (signal) =>
      messages === 0 ? null : request("GET", "/topics/last", { query: { topic }, signal }),
    `${topic} ${messages}`,
  );
  const last = data?.data.last ?? null;
  return html`
    <${Card} title=${topic} kind="topic">
      <${Facts} facts=${[
        ["Messages", count(messages)],
        ["Here and below", count(total)],
        ["Rate", `${short(rate)}/s`],
        ["Size of all", bytes(payloadBytes)],
        ["Levels below", count(children.size)],
        ["Without room", other > 0 ? count(other) : undefined],
        ["Last", last === null ? undefined : dateTime(last.time)],
        ["By", last?.clientId ?? undefined],
        ["QoS", last === null ? undefined : last.qos],
        ["Retain", last === null ? undefined : last.retain ? "yes" : "no"],
      ]} />
      <${Fault} error=${error?.status === 404 ? null : error} />
      ${last !== null &&
        (typeof last.payload === "string"
          ? html`<${Payload} payload=${fromBase64(last.payload)} size=${last.bytes} />`
          : html`<p class="muted">${
            session.mayWrite
              ? "There was no room to keep the payload."
              : "Payloads take a token with the scope “write”."
          }</p>`)}
      <p class="buttons"><a class="button" href=${`#/messages/${
        encodeURIComponent(children.size > 0 ? `${topic}/#` : topic)
      }`}>Subscribe</a></p>
    <//>
  `;
}

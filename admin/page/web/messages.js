/** The pane to publish and to subscribe in, with Fairway's own client. */
import { session } from "./api.js";
import { bytes, count, exactClock, hueOf } from "./format.js";
import { exportOf, pane, readable } from "./mqtt_pane.js";
import { Payload, preview } from "./payload.js";
import { html, useEffect, useState } from "./preact.js";
import { Badge, Card, Empty, Facts, Fault, Field, fieldsOf, Icon, notify, View } from "./ui.js";

/** Messages that are shown at once. */
const SHOWN_MAX = 200;

const STATES = {
  closed: "closed",
  connecting: "connecting",
  connected: "connected",
  lost: "connecting again",
};

function usePane() {
  const [, change] = useState(0);
  useEffect(() => {
    const stop = pane.listen(() => change((n) => n + 1));
    if (session.mayWrite) pane.open();
    return stop;
  }, []);
  return pane;
}

/** The view. */
export function Messages({ detail }) {
  const { state, error, clientId } = usePane();
  if (!session.mayWrite) {
    return html`
      <${View} title="Messages">
        <${Empty}>Publishing and subscribing here takes a token with the scope “write”.<//>
      <//>
    `;
  }
  const isOpen = state === "connected";
  const actions = html`
    <${Badge} kind=${isOpen ? "good" : "warn"}>${STATES[state]}${isOpen
      ? ` as ${clientId}`
      : ""}<//>
    ${state === "closed"
      ? html`<button type="button" onClick=${() => pane.open()}>Connect</button>`
      : html`<button type="button" onClick=${() => pane.close()}>Disconnect</button>`}
  `;
  return html`
    <${View} title="Messages" actions=${actions}>
      <${Fault} error=${error} />
      <div class="split even">
        <${Subscribe} detail=${detail} isOpen=${isOpen} />
        <${Publish} isOpen=${isOpen} />
      </div>
      <${Received} />
      <//>
  `;
}

function Subscribe({ detail, isOpen }) {
  const [error, setError] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const form = event.target;
    const { filter, qos, noLocal, retainAsPublished, retainHandling } = Object.fromEntries(
      new FormData(form),
    );
    try {
      await pane.subscribe(filter, {
        qos: Number(qos),
        noLocal: noLocal === "on",
        retainAsPublished: retainAsPublished === "on",
        retainHandling: Number(retainHandling),
      });
      setError(null);
      form.reset();
    } catch (fault) {
      setError(fault);
    }
  };
  return html`
    <${Card} title="Subscribe">
      <form onSubmit=${submit}>
        <${Field}
          label="Topic filter"><input class="mono" name="filter" required defaultValue=${detail ??
            ""} placeholder="sensors/#" /><//>
        <div class="inline">
          <${Field} label="QoS"><select name="qos"><option value="0">0</option><option value="1">1</option><option value="2">2</option></select><//>
          <${Field} label="Retained"><select name="retainHandling"><option value="0">send</option><option value="1">send if new</option><option value="2">do not send</option></select><//>
        </div>
        <label class="check"><input type="checkbox" name="noLocal" /> No local: not what is published here</label>
        <label class="check"><input type="checkbox" name="retainAsPublished" /> Retain as published</label>
        <${Fault} error=${error} />
        <div class="buttons"><button type="submit" class="primary" disabled=${!isOpen}>Subscribe</button></div>
      </form>
      <ul class="subscriptions" aria-label="Subscriptions">
        ${pane.subscriptions.map((one) =>
          html`
            <li key=${one.filter}>
              <span class="mono">${one.filter}</span><${Badge}>QoS ${one
                .qos}<//><span class="muted">${count(one.count)}</span>
              <button type="button" class="quiet" aria-label=${`Unsubscribe from ${one.filter}`} onClick=${() =>
                pane.unsubscribe(one)}><${Icon} name="close" /></button>
            </li>
          `
        )}
      </ul>
    <//>
  `;
}

/** `name=value`, a line each, as pairs. */
function pairsOf(text) {
  return text.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const at = line.indexOf("=");
    if (at < 0) {
      throw new Error(`A user property is name=value, a line each; this is none: ${line}`);
    }
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
}

/** @param {Record<string, string>} fields */
function propertiesOf({ contentType, responseTopic, correlation, expiry, user }) {
  const userProperties = pairsOf(user);
  return {
    ...contentType === "" ? {} : { contentType },
    ...responseTopic === "" ? {} : { responseTopic },
    ...correlation === "" ? {} : { correlationData: new TextEncoder().encode(correlation) },
    ...expiry === "" ? {} : { messageExpiryInterval: Number(expiry) },
    ...userProperties.length === 0 ? {} : { userProperties },
  };
}

function Publish({ isOpen }) {
  const [error, setError] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const { topic, payload, qos, retain, ...rest } = fieldsOf(event.target);
    try {
      const properties = propertiesOf(rest);
      await pane.publish(topic, payload, { qos: Number(qos), retain: retain === "on", properties });
      setError(null);
      notify(`Published to ${topic}.`);
    } catch (fault) {
      setError(fault);
    }
  };
  return html`
    <${Card} title="Publish">
      <form onSubmit=${submit}>
        <${Field}
          label="Topic"><input class="mono" name="topic" required placeholder="lamp/kitchen" /><//>
        <${Field} label="Payload"><textarea class="mono" name="payload" rows="3"></textarea><//>
        <div class="inline">
          <${Field} label="QoS"><select name="qos"><option value="0">0</option><option value="1">1</option><option value="2">2</option></select><//>
          <label class="check"><input type="checkbox" name="retain" /> Retain</label>
        </div>
        <details>
          <summary>Properties</summary>
          <div class="inline">
            <${Field} label="Content type"><input name="contentType" /><//>
            <${Field} label="Expires after, in seconds"><input name="expiry" type="number" min="0" max="4294967295" /><//>
          </div>
          <div class="inline">
            <${Field} label="Response topic"><input class="mono" name="responseTopic" /><//>
            <${Field} label="Correlation data"><input class="mono" name="correlation" /><//>
          </div>
          <${Field} label="User properties" hint="name=value, a line each"><textarea class="mono" name="user" rows="2"></textarea><//>
        </details>
        <${Fault} error=${error} />
        <div class="buttons"><button type="submit" class="primary" disabled=${!isOpen}>Publish</button></div>
      </form>
    <//>
  `;
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(
    new Blob([exportOf(pane.messages)], { type: "application/json" }),
  );
  link.download = "messages.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function Received() {
  const { messages, isPaused, held, received } = pane;
  const [open, setOpen] = useState(null);
  const aside = html`
    <div class="actions">
      <span class="muted">${count(received)} received${held > 0
        ? `, ${count(held)} not shown`
        : ""}</span>
      <button type="button" aria-pressed=${isPaused} onClick=${() =>
        pane.pause(!isPaused)}>${isPaused ? "Go on" : "Pause"}</button>
      <button type="button" disabled=${messages.length === 0} onClick=${save}>Export</button>
      <button type="button" disabled=${messages.length === 0} onClick=${() =>
        pane.clear()}>Clear</button>
    </div>
  `;
  return html`
    <${Card} title="Received" aside=${aside}>
      ${messages.length === 0
        ? html`<${Empty}>Nothing has come yet. Subscribe to something.<//>`
        : html`
          <ol class="messages" aria-label="Messages">
            ${messages.slice(0, SHOWN_MAX).map((one) =>
              html`<${Message} key=${one.number} message=${one} isOpen=${
                open === one.number
              } onOpen=${() => setOpen(open === one.number ? null : one.number)} />`
            )}
          </ol>
          ${messages.length > SHOWN_MAX &&
            html`<p class="muted pad">The last ${SHOWN_MAX} of ${
              count(messages.length)
            } are shown; the export has all.</p>`}
        `}
    <//>
  `;
}

function Message({ message, isOpen, onOpen }) {
  const { time, topic, payload, qos, retain, properties, filter } = message;
  const facts = Object.entries(readable(properties)).map((
    [name, value],
  ) => [name, Array.isArray(value) ? value.map((pair) => pair.join("=")).join(", ") : `${value}`]);
  return html`
    <li style=${{ "--hue": hueOf(topic) }}>
      <button type="button" class="message" aria-expanded=${isOpen} onClick=${onOpen}>
        <time>${exactClock(time)}</time>
        <span class="topic mono">${topic}</span>
        <span class="words mono">${preview(payload)}</span>
        <span class="muted">${retain ? "retained, " : ""}QoS ${qos}, ${bytes(payload.length)}</span>
      </button>
      ${isOpen && html`
        <div class="message-body">
          <${Facts} facts=${[["subscription", filter], ...facts]} />
          <${Payload} payload=${payload} />
        </div>
      `}
    </li>
  `;
}

/** Parts that all views use: buttons, badges, tables, dialogs, notices. */
import { html, useEffect, useRef, useState } from "./preact.js";

const ICONS = {
  overview: "M4 19V9m5.3 10V5m5.4 14v-7M20 19V8",
  clients:
    "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-5 8c0-3 2.2-5 5-5s5 2 5 5M16 11a2.5 2.5 0 1 0 0-5M16 14c3 0 5 2 5 5",
  topics: "M5 5h6M5 5v12h6M5 11h6M15 5h4M15 11h4M15 17h4",
  retained: "M7 4h10v16l-5-4-5 4V4Z",
  streams:
    "M3 8c3 0 3-2 6-2s3 2 6 2 3-2 6-2M3 13c3 0 3-2 6-2s3 2 6 2 3-2 6-2M3 18c3 0 3-2 6-2s3 2 6 2 3-2 6-2",
  messages: "M4 5h16v11H9l-5 4V5Zm4 4h8M8 12.5h5",
  theme: "M12 4a8 8 0 1 0 8 8 6 6 0 0 1-8-8Z",
  leave: "M10 5H5v14h5M14 8l4 4-4 4M18 12H9",
  ok: "M5 12.5l4.5 4.5L19 7.5",
  bad: "M12 8v5m0 3.2v.3M12 3.5l9.5 17h-19L12 3.5Z",
  chevron: "M9 6l6 6-6 6",
  close: "M6 6l12 12M18 6L6 18",
};

/** A drawing that says the same as the words beside it. */
export function Icon({ name }) {
  return html`
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d=${ICONS[name]} />
    </svg>
  `;
}

/** A word in a coloured box. */
export function Badge({ kind = "plain", children }) {
  return html`<span class="badge ${kind}">${children}</span>`;
}

/** A view with its heading. */
export function View({ title, lead, actions, children }) {
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${title} · Fairway`;
  }, [title]);
  return html`
    <section class="view" aria-labelledby="title">
      <header class="view-head">
        <div>
          <h1 id="title" ref=${heading} tabindex="-1">${title}</h1>
          ${lead && html`<p class="lead">${lead}</p>`}
        </div>
        ${actions && html`<div class="actions">${actions}</div>`}
      </header>
      ${children}
    </section>
  `;
}

/** A box with a heading. */
export function Card({ title, aside, children, kind = "" }) {
  return html`
    <section class="card ${kind}">
      ${title && html`<header class="card-head"><h2>${title}</h2>${aside}</header>`}
      ${children}
    </section>
  `;
}

/** Words where there is nothing to show. */
export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`;
}

/** What is wrong with a request. */
export function Fault({ error }) {
  return error
    ? html`<p class="fault" role="alert"><${Icon} name="bad" />${error.message}</p>`
    : null;
}

/** A field with its label. */
export function Field({ label, hint, children, kind = "" }) {
  return html`
    <label class="field ${kind}">
      <span class="label">${label}</span>
      ${children}
      ${hint && html`<span class="hint">${hint}</span>`}
    </label>
  `;
}

/** Pairs of a name and what it stands for. */
export function Facts({ facts }) {
  const shown = facts.filter(([, value]) => value !== undefined);
  return html`
    <dl class="facts">
      ${shown.map(([name, value]) =>
        html`
          <div key=${name}>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>
        `
      )}
    </dl>
  `;
}

/** A table that scrolls by itself where it is too wide. */
export function Table({ label, head, children, isEmpty, empty }) {
  if (isEmpty) return html`<${Empty}>${empty}<//>`;
  return html`
    <div class="table" role="region" aria-label=${label} tabindex="0">
      <table>
        <thead>
          <tr>${head}</tr>
        </thead>
        <tbody>${children}</tbody>
      </table>
    </div>
  `;
}

/** One of several ways to look at something. */
export function Tabs({ label, tabs, chosen, onChoose }) {
  return html`
    <div class="tabs" role="group" aria-label=${label}>
      ${tabs.map(([name, words]) =>
        html`
          <button type="button" key=${name} aria-pressed=${name === chosen}
            onClick=${() => onChoose(name)}>${words}</button>
        `
      )}
    </div>
  `;
}

/** A dialog over the page; the browser keeps the focus in it, and Escape closes it. */
export function Dialog({ title, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => {
    dialog.current.showModal();
  }, []);
  return html`
    <dialog ref=${dialog} onClose=${onClose} aria-labelledby="dialog-title">
      <h2 id="dialog-title">${title}</h2>
      ${children}
    </dialog>
  `;
}

/**
 * Asks before something is done. `fields` is what else is asked for; `onDo` gets their values, and
 * returns what is said when it is done. What it throws is shown. `onDone` is called after it.
 */
export function Confirm({ title, words, verb, fields, onDo, onDone, onClose }) {
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      notify(await onDo(fieldsOf(event.target)));
      onDone();
      onClose();
    } catch (fault) {
      setError(fault);
      setBusy(false);
    }
  };
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <form onSubmit=${submit}>
        <p>${words}</p>
        ${fields}
        <${Fault} error=${error} />
        <div class="buttons">
          <button type="button" onClick=${onClose} autofocus>Cancel</button>
          <button type="submit" class="danger" disabled=${isBusy}>${verb}</button>
        </div>
      </form>
      <//>
  `;
}

/**
 * What stands in the fields of a form, by their names.
 *
 * @param {HTMLFormElement} form
 * @returns {Record<string, any>} Texts; `undefined` for a box that is not ticked.
 */
export function fieldsOf(form) {
  return Object.fromEntries(new FormData(form));
}

const notices = { show: (_text) => {} };

/** Says for a while what was done. */
export function notify(words) {
  notices.show(words);
}

/** Where notices appear; screen readers say them. */
export function Notices() {
  const [words, setWords] = useState("");
  useEffect(() => {
    let timer;
    notices.show = (text) => {
      clearTimeout(timer);
      setWords(text);
      timer = setTimeout(() => setWords(""), 5000);
    };
    return () => clearTimeout(timer);
  }, []);
  return html`<div class="notice" role="status" aria-live="polite">${words}</div>`;
}

/** @typedef {{ data: any, error: any, key: string | null }} Loaded */

/**
 * Loads something now, again when `key` changes, and every so many milliseconds.
 *
 * @param {(signal: AbortSignal) => Promise<any> | null} load
 * @param {string} key
 * @param {number | null} everyMs
 */
export function useLoaded(load, key, everyMs = null) {
  const [state, setState] = useState(
    /** @type {Loaded} */ ({ data: null, error: null, key: null }),
  );
  const again = useRef(() => {});
  useEffect(() => {
    const abort = new AbortController();
    let timer;
    const run = async () => {
      clearTimeout(timer);
      try {
        const data = await load(abort.signal);
        if (!abort.signal.aborted) setState({ data, error: null, key });
      } catch (error) {
        if (abort.signal.aborted) return;
        setState((before) => ({ ...before, error, key }));
      }
      if (everyMs !== null && !abort.signal.aborted) timer = setTimeout(run, everyMs);
    };
    again.current = run;
    run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs]);
  return { ...state, isLoading: state.key !== key, reload: () => again.current() };
}

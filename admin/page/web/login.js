/** Asks for the token, or for an account. */
import { login, session } from "./api.js";
import { html, useState } from "./preact.js";
import { Fault, Field, fieldsOf } from "./ui.js";

/** The form; `onDone` is called when the server knows who it is. */
export function Login({ onDone }) {
  const [error, setError] = useState(null);
  const [isAccount, setAccount] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const { name = "", secret } = fieldsOf(event.target);
    // A password may have spaces at its ends.
    session.keep(name.trim(), isAccount ? secret : secret.trim());
    try {
      await login();
      onDone();
    } catch (fault) {
      session.forget();
      setError(fault);
    }
  };
  return html`
    <main class="login">
      <form class="card" onSubmit=${submit}>
        <h1>Fairway</h1>
        ${isAccount
          ? html`
            <p class="lead">Log in with an account that may read <code>$CONTROL/admin</code>.</p>
            <${Field} label="User name"><input name="name" autocomplete="username" required autofocus /><//>
            <${Field} label="Password"><input name="secret" type="password" autocomplete="current-password" required /><//>
          `
          : html`
            <p
              class="lead">The server has printed a token at its start, or <code>deno task token</code> has made one.</p>
            <${Field}
              label="Token"><input name="secret" type="password" autocomplete="off" required autofocus /><//>
          `}
        <${Fault} error=${error} />
        <button type="submit" class="primary">Open</button>
        <button type="button" class="link" onClick=${() => setAccount(!isAccount)}>
          ${isAccount ? "Use a token" : "Use an account"}
        </button>
      </form>
    </main>
  `;
}

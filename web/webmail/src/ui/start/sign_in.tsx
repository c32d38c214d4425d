/** The page of somebody who isn't signed in. The password is asked for by the service's own page. */

import { useState } from "preact/hooks";
import { mail, type Problem, type SignIn } from "../../data";
import { language, LANGUAGES, speak, t, type Language } from "../../texts";
import { Banner } from "../header/banner";
import { Icon } from "../pieces/icon";
import { whatFailed, whatNow } from "../problem";
import { Trouble } from "../trouble";

export function SignInPage({ now }: { now: Extract<SignIn, { state: "out" }> }) {
  const [address, setAddress] = useState(now.address ?? "");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const links = mail.session.links.value;
  const shown = problem ?? now.problem;
  const enter = async () => {
    setBusy(true);
    const outcome = await mail.session.goSignIn(address.trim());
    setBusy(false);
    setProblem(outcome.ok ? null : outcome.problem);
  };
  return (
    <div class="start">
      <Banner />
      <main class="start-card">
        <svg class="mark large" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
          <rect width="32" height="32" rx="8" />
          <path d="M7.5 11.5l8.5 6.5 8.5-6.5M7.5 10h17v12.5h-17z" />
        </svg>
        <h1>{t("signIn.title", { product: links.product })}</h1>
        <p class="soft">
          {t(now.why === "new" ? "signIn.new" : now.why === "expired" ? "signIn.expired" : "signIn.signedOut")}
        </p>
        {shown && <Trouble title={whatFailed(shown)} text={whatNow(shown)} />}
        <form onSubmit={(event) => (event.preventDefault(), void enter())}>
          <div class="field">
            <label for="address">{t("signIn.address")}</label>
            <input
              id="address"
              class="input"
              type="email"
              autocomplete="username"
              autocapitalize="none"
              value={address}
              aria-describedby="address-hint"
              onInput={(event) => setAddress(event.currentTarget.value)}
            />
            <span id="address-hint" class="hint">
              {t("signIn.hint")}
            </span>
          </div>
          <button type="submit" class="button primary large" disabled={busy}>
            {t(busy ? "signIn.busy" : "signIn.go")}
          </button>
        </form>
        <OtherPages />
      </main>
      <footer class="start-foot">
        <Icon name="language" />
        {(Object.keys(LANGUAGES) as Language[]).map((each) => (
          <button
            key={each}
            type="button"
            class="link"
            lang={each}
            aria-pressed={language.value === each}
            onClick={() => void speak(each)}
          >
            {LANGUAGES[each]}
          </button>
        ))}
      </footer>
    </div>
  );
}

function OtherPages() {
  const links = mail.session.links.value;
  return (
    <ul class="start-links">
      {links.signup && (
        <li>
          <a href={links.signup}>{t("signIn.signup")}</a>
        </li>
      )}
      {links.accounts && (
        <li>
          <a href={links.accounts}>{t("signIn.forgotten")}</a>
        </li>
      )}
      {links.status && (
        <li>
          <a href={links.status}>{t("account.status")}</a>
        </li>
      )}
    </ul>
  );
}

/** All of what is seen: nothing until it is known who is here, then the way in or the mail. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { mail } from "../data";
import { language, speak, type Language } from "../texts";
import "../styles/index.css";
import { dark } from "./layout";
import { setting } from "./setting";
import { Shell } from "./shell";
import { SignInPage } from "./start/sign_in";

const spoken = signal(false);

export function App() {
  useEffect(() => {
    void speak().then(() => {
      spoken.value = true;
    });
  }, []);
  useWishes();
  const session = mail.session.signIn.value;
  if (!spoken.value || session.state === "unknown") return null;
  return session.state === "out" ? <SignInPage now={session} /> : <Shell />;
}

/** Language and look as the settings say. */
function useWishes(): void {
  const wished = setting("language");
  const theme = setting("theme");
  useEffect(() => {
    const wanted: Language = wished === "auto" ? language.peek() : wished;
    if (wanted !== language.peek()) void speak(wanted);
  }, [wished]);
  const isDark = dark.value;
  useEffect(() => {
    document.documentElement.toggleAttribute("data-dark", isDark);
  }, [isDark]);
  useEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }, [theme]);
}

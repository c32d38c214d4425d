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
const THEME = "holdfast.theme";

/** The look of last time, before the settings are read: no flash of the other one. */
function lookAsBefore(): void {
  try {
    const theme = localStorage.getItem(THEME);
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // a browser that keeps nothing begins as the device looks
  }
}

function keepLook(theme: string): void {
  try {
    localStorage.setItem(THEME, theme);
  } catch {
    // it is only for the first moment
  }
}

lookAsBefore();

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
  const known = mail.session.signIn.value.state !== "unknown";
  useEffect(() => {
    document.documentElement.toggleAttribute("data-dark", isDark);
  }, [isDark]);
  useEffect(() => {
    if (!known) return;
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    keepLook(theme);
  }, [theme, known]);
}

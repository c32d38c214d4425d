/** The account's menu: language, look, other pages, signing out. */

import { signal } from "@preact/signals";
import { mail, type Settings } from "../../data";
import { language, LANGUAGES, speak, t, type Language } from "../../texts";
import { helpShown } from "../keys/help";
import { Confirm } from "../pieces/dialog";
import { Face } from "../pieces/face";
import { Menu, type MenuEntry } from "../pieces/menu";
import { tell } from "../problem";
import { href } from "../router";
import { setting } from "../setting";

const leaving = signal(false);

export function AccountMenu() {
  const session = mail.session.signIn.value;
  if (session.state !== "in") return null;
  const { name, address } = session.account;
  return (
    <>
      <Menu
        class="head-account"
        label={t("account.label", { address })}
        title={t("account.label", { address })}
        items={entries}
      >
        <Face person={{ name, email: address }} />
        <span class="aside">{t("account.label", { address })}</span>
      </Menu>
      {leaving.value && <Leave />}
    </>
  );
}

function entries(): MenuEntry[] {
  const links = mail.session.links.peek();
  const theme = setting("theme");
  const look = (wanted: Settings["theme"]): MenuEntry => ({
    text: t(`theme.${wanted}`),
    checked: theme === wanted,
    run: () => void mail.settings.set({ theme: wanted }),
  });
  const pages: (MenuEntry | false)[] = [
    links.accounts !== "" && { text: t("account.page"), icon: "lock", href: links.accounts },
    links.status !== "" && { text: t("account.status"), icon: "info", href: links.status },
  ];
  return [
    { text: t("side.settings"), icon: "settings", href: href({ view: "settings" }) },
    { text: t("help"), icon: "keyboard", run: () => (helpShown.value = true) },
    ...pages.filter((each): each is MenuEntry => each !== false),
    "-",
    ...(Object.keys(LANGUAGES) as Language[]).map((each) => ({
      text: LANGUAGES[each],
      checked: language.peek() === each,
      run: () => chooseLanguage(each),
    })),
    "-",
    look("auto"),
    look("light"),
    look("dark"),
    "-",
    { text: t("account.signOut"), icon: "signOut", run: () => (leaving.value = true) },
  ];
}

export function chooseLanguage(chosen: Language): void {
  void speak(chosen);
  void mail.settings.set({ language: chosen });
}

/** Before signing out: what would be lost is said. */
function Leave() {
  const waiting = mail.outbox.waiting.value;
  const leave = async () => {
    const outcome = await mail.session.signOut();
    if (!outcome.ok) tell(outcome.problem);
  };
  return (
    <Confirm
      danger={waiting > 0}
      title={t("leave.title")}
      text={waiting > 0 ? t("leave.waiting", { n: waiting }) : t("leave.text")}
      yes={t(waiting > 0 ? "leave.anyway" : "account.signOut")}
      onYes={() => void leave()}
      onClose={() => {
        leaving.value = false;
      }}
    />
  );
}

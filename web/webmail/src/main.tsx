import { render } from "preact";
import { provide, type Webmail } from "./data";
import { browserPage } from "./data/access";
import { webmail } from "./data/webmail";
import { browser } from "./data/world";
import { App } from "./ui/app";
import { ServiceShell } from "./worker/shell";

async function start(): Promise<void> {
  const shell = new ServiceShell();
  const mail: Webmail = import.meta.env.MODE === "sample" ? (await import("./data/sample")).sample() : webmail(browser(), browserPage, shell);
  provide(mail);
  const root = document.getElementById("app");
  if (root) render(<App />, root);
  await shell.begin(mail);
}

void start();

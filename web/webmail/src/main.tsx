import { render } from "preact";
import { provide } from "./data";
import { App } from "./ui/app";

async function start(): Promise<void> {
  if (import.meta.env.MODE === "sample") {
    const { sample } = await import("./data/sample");
    provide(sample());
  } else {
    const { webmail } = await import("./data/webmail");
    provide(webmail());
  }
  const root = document.getElementById("app");
  if (root) render(<App />, root);
}

void start();

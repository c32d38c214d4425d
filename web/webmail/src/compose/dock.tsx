/** Windows at the foot of the page, side by side, in which messages are written while others are read. */

import { useEffect } from "preact/hooks";
import { t } from "../texts";
import { type Asked, asked, closeWindow, minimise } from "./asked";
import { go } from "../ui/router";
import { Composer } from "./composer";
import { Opened } from "./opened";

const WIDTH = 560; // CSS pixels of one window with its gap
const SIDE = 260; // stay free for the mailboxes

export default function Dock() {
  const all = asked.value;
  const room = Math.max(1, Math.floor((innerWidth - SIDE) / WIDTH));
  useEffect(() => {
    // The oldest ones make room.
    const open = all.filter((each) => !each.minimised);
    for (const each of open.slice(0, Math.max(0, open.length - room))) minimise(each.number, true);
  }, [all.length]);
  return (
    <aside class="dock" aria-label={t("compose.windows")}>
      {all.map((each) => (
        <DockWindow key={each.number} window={each} />
      ))}
    </aside>
  );
}

function DockWindow({ window }: { window: Asked }) {
  const { number, route, minimised } = window;
  return (
    <section class={minimised ? "dock-window minimised" : "dock-window"}>
      <Opened route={route}>
        {(writing) => (
          <Composer
            writing={writing}
            heading="h2"
            minimised={minimised}
            onMinimise={(small) => minimise(number, small)}
            onLarge={() => {
              void writing.keep().then(() => {
                closeWindow(number);
                go({ view: "compose", kind: "draft", about: writing.id, fields: {} });
              });
            }}
            onDone={() => closeWindow(number)}
          />
        )}
      </Opened>
    </section>
  );
}

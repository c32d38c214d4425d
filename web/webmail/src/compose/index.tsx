/** Writing in the whole room: on telephones, and where a window was made large. */

import type { ComposeProps } from "../ui/slots";
import { Composer } from "./composer";
import { Opened } from "./opened";

export default function Compose({ route, onDone }: ComposeProps) {
  return (
    <div class="compose-room">
      <Opened route={route}>{(writing) => <Composer writing={writing} heading="h1" onDone={onDone} />}</Opened>
    </div>
  );
}

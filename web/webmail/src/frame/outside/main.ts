/** The outer page of the frame: hands the app's port on to the sandboxed page, once, and does nothing else. */

import { HELLO } from "../protocol";

function hand(event: MessageEvent): void {
  const [port] = event.ports;
  if (event.source !== parent || event.origin !== location.origin || event.data !== HELLO || !port) return;
  removeEventListener("message", hand);
  // "*": the sandboxed page's origin is opaque and can't be named. It is the srcdoc of this file: frame-src 'none'
  // lets nothing else be loaded into its place.
  frames[0]?.postMessage(HELLO, "*", [port]);
}

addEventListener("message", hand);

/** The message frame's page, as the build writes it: two documents in one file, their scripts inside.
 *
 * `frame.html` has the app's origin, so that the service worker can serve it while the server is down; no message
 * ever comes into it. It holds one <iframe srcdoc> with sandbox and an opaque origin of its own, in which messages
 * are shown. That document inherits the outer one's CSP, and nothing it does can navigate it away: the outer
 * one's frame-src is 'none'.
 *
 * FRAME-1, FRAME-3, FRAME-4. In an opaque origin 'self' is nobody, so the script that may run is named by its hash. Whatever a message brings
 * along has another hash, or is an attribute, and doesn't run.
 */

import { createHash } from "node:crypto";

const SANDBOX = "allow-scripts allow-popups allow-popups-to-escape-sandbox";

export interface FrameParts {
  /** Scripts and styles, compiled. */
  outerScript: string;
  innerScript: string;
  innerStyle: string;
}

/** `images` is the variant in which the reader has allowed images from elsewhere. */
export function framePage(parts: FrameParts, images: boolean): string {
  const inner = innerPage(parts, images);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${frameCsp([parts.outerScript, parts.innerScript], images)}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Message</title>
<style>html, body { margin: 0; height: 100%; overflow: hidden } iframe { display: block; border: 0; width: 100%; height: 100% }</style>
</head>
<body>
<iframe title="Message" sandbox="${SANDBOX}" referrerpolicy="no-referrer" srcdoc="${attribute(inner)}"></iframe>
${element("script", parts.outerScript)}
</body>
</html>
`;
}

function innerPage(parts: FrameParts, images: boolean): string {
  return `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${frameCsp([parts.innerScript], images)}">
<meta http-equiv="x-dns-prefetch-control" content="off">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Message</title>
${element("style", parts.innerStyle)}
</head>
<body>
${element("script", parts.innerScript)}
</body>
</html>
`;
}

/** The policy of a page that runs these scripts and no others. */
function frameCsp(scripts: string[], images: boolean): string {
  const hashes = scripts.map((each) => `'sha256-${createHash("sha256").update(each, "utf8").digest("base64")}'`);
  return [
    "default-src 'none'",
    `script-src ${hashes.join(" ")}`,
    "style-src 'unsafe-inline'",
    `img-src data: blob:${images ? " https: http:" : ""}`,
    "frame-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function element(name: "script" | "style", text: string): string {
  if (new RegExp(`</${name}|<!--`, "i").test(text)) throw new Error(`the frame's ${name} would end its own element`);
  return `<${name}>${text}</${name}>`;
}

function attribute(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/"/g, "&quot;");
}

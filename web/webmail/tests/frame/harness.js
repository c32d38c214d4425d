/** What the app does with the frame, without the app: `show({html})` resolves when the message is drawn. */

window.secret = "only the app may read this";
window.heard = [];
window.addEventListener("message", (event) => window.heard.push({ kind: "stray", data: String(event.data) }));

window.show = (message, page = "/shipped/frame.html") =>
  new Promise((resolve) => {
    document.querySelector("iframe")?.remove();
    const frame = document.createElement("iframe");
    frame.title = "Message";
    frame.width = "600";
    frame.onload = () => {
      if (window.port) window.heard.push({ kind: "navigated" });
      const channel = new MessageChannel();
      window.port = channel.port1;
      channel.port1.onmessage = ({ data }) => {
        window.heard.push(data);
        if (data.kind === "height") frame.height = data.height;
        if (data.kind === "shown") resolve(data);
      };
      frame.contentWindow.postMessage("holdfast-message", location.origin, [channel.port2]);
      const texts = { lang: "en", quote: "Show quoted text", image: "Image not loaded", leadsTo: "leads to" };
      const inline = new Map(Object.entries(message.inline ?? {}).map(([id, svg]) => [id, new Blob([Uint8Array.from(atob(svg), (c) => c.charCodeAt(0))], { type: "image/png" })]));
      channel.port1.postMessage({ kind: "show", flowed: false, delSp: false, remoteImages: false, texts, ...message, inline });
    };
    window.port = null;
    frame.src = page;
    document.body.append(frame);
  });

/** The editor: `edit(html)` resolves with what would be sent after the HTML was opened in it. */
window.edit = async (html, images = new Map()) => {
  window.editor ??= await new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.title = "Message text";
    frame.src = "/shipped/editor.html";
    frame.onload = () => {
      const channel = new MessageChannel();
      channel.port1.onmessage = ({ data }) => {
        if (data.kind === "ready") resolve(channel.port1);
        if (data.kind === "changed") window.changed?.(data);
        window.heard.push(data);
      };
      frame.contentWindow.postMessage("holdfast-message", location.origin, [channel.port2]);
    };
    document.body.append(frame);
  });
  const told = new Promise((resolve) => (window.changed = resolve));
  window.editor.postMessage({ kind: "load", html, images, lang: "en", label: "Message text" });
  window.editor.postMessage({ kind: "tell" });
  return told;
};

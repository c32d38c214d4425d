// Renews what is shown every few seconds, unless somebody is at work in it. Without it there is a link.
(() => {
  const every = Number(document.getElementById("live").dataset.every) * 1000;
  const busy = live => live.contains(document.activeElement) || document.hidden || String(getSelection());
  const renew = async () => {
    const live = document.getElementById("live");
    if (busy(live)) return;
    const answer = await fetch(location.href, {headers: {accept: "text/html"}});
    if (answer.redirected) return location.reload();
    if (!answer.ok) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (!found || busy(live)) return;
    live.querySelectorAll("details[open]").forEach(each => {
      const summary = each.querySelector("summary").textContent;
      [...found.querySelectorAll("details")].filter(other => other.querySelector("summary").textContent === summary)
        .forEach(other => { other.open = true; });
    });
    live.replaceChildren(...found.childNodes);
  };
  setInterval(() => renew().catch(() => {}), every);
})();

// Renews what is shown every few seconds, unless somebody is at work in it. Without it there is a link.
(() => {
  const every = Number(document.getElementById("live").dataset.every) * 1000;
  const busy = live => live.contains(document.activeElement) || document.hidden || String(getSelection());
  const title = details => details.querySelector("summary").textContent;

  // What was opened and scrolled stays so.
  const keep = (live, found) => {
    const open = new Set([...live.querySelectorAll("details[open]")].map(title));
    found.querySelectorAll("details").forEach(each => { each.open ||= open.has(title(each)); });
    const places = [...live.querySelectorAll(".scroll")].map(each => [each.scrollLeft, each.scrollTop]);
    return () => live.querySelectorAll(".scroll").forEach((each, number) => each.scrollTo(...places[number] || [0, 0]));
  };

  const renew = async () => {
    const live = document.getElementById("live");
    if (busy(live)) return;
    const answer = await fetch(location.href, {headers: {accept: "text/html"}});
    if (answer.redirected) return location.reload();
    if (!answer.ok) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (!found || busy(live)) return;
    const back = keep(live, found);
    live.replaceChildren(...found.childNodes);
    back();
  };
  setInterval(() => renew().catch(() => {}), every);
})();

// How old the page is, for who leaves it open. Without it the time of writing stands there all the same.
// A page that should have been written anew long ago says nothing of how it is now: it isn't green any more.
(() => {
  const place = document.querySelector(".ago");
  const hero = document.querySelector(".hero[data-old]");
  const tell = () => {
    const minutes = Math.floor((Date.now() - Date.parse(place.dataset.at)) / 60000);
    place.textContent = minutes > 0 ? place.dataset.text.replace("{minutes}", minutes) : "";
    if (hero && minutes >= Number(hero.dataset.old)) {
      hero.className = "hero unknown";
      hero.querySelector("h1").textContent = hero.dataset.text;
      document.body.classList.add("old");
    }
  };
  tell();
  setInterval(tell, 15000);
})();

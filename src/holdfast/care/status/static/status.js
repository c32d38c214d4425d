// How old the page is, for who leaves it open. Without it the time of writing stands there all the same.
(() => {
  const place = document.querySelector(".ago");
  const tell = () => {
    const minutes = Math.floor((Date.now() - Date.parse(place.dataset.at)) / 60000);
    place.textContent = minutes > 0 ? place.dataset.text.replace("{minutes}", minutes) : "";
  };
  tell();
  setInterval(tell, 15000);
})();

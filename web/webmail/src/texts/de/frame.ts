/** Texte von src/frame. */

export default {
  "frame.quote": "Zitierten Text zeigen",
  "frame.image": "Bild nicht geladen",
  "frame.leadsTo": "führt zu",
};

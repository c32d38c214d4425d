/** Texte von src/frame. */

export default {
  "frame.quote": "Zitierten Text zeigen",
  "frame.image": "Bild nicht geladen",
  "frame.leadsTo": "führt zu",
  "frame.silent": "Was formatierte Nachrichten anzeigt, ließ sich nicht vom Server laden. Hier steht nur ihr Text.",
};

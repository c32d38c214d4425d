/** Texte von src/ui. */

export default {
  undo: "Rückgängig",
  close: "Schließen",
  cancel: "Abbrechen",
  again: "Noch einmal versuchen",
  "date.now": "gerade eben",
  "part.failed": "Dieser Teil des Webmails konnte nicht geladen werden",
  "part.failedText": "Es ist nichts verloren. Er wird einmal vom Server geholt und geht danach auch offline; bitte versuchen Sie es noch einmal, sobald Sie verbunden sind.",
};

/** Texts of src/ui. */

export default {
  undo: "Undo",
  close: "Close",
  cancel: "Cancel",
  again: "Try again",
  "date.now": "just now",
  "part.failed": "This part of the webmail couldn’t be loaded",
  "part.failedText": "Nothing is lost. It is fetched once from the server and works offline after that; try again when you are connected.",
};

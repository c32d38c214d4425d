/** Texts of src/frame. */

export default {
  "frame.quote": "Show quoted text",
  "frame.image": "Image not loaded",
  "frame.leadsTo": "leads to",
  "frame.silent": "What shows formatted messages couldn’t be loaded from the server. Here is the text alone.",
};

/** Texts of src/frame. */

export default {
  "frame.quote": "Show quoted text",
  "frame.image": "Image not loaded",
  "frame.leadsTo": "leads to",
};

/** English: every part of the webmail. */

import compose from "./en/compose";
import contacts from "./en/contacts";
import frame from "./en/frame";
import settings from "./en/settings";
import trouble from "./en/trouble";
import ui from "./en/ui";

const english = { ...ui, ...trouble, ...compose, ...contacts, ...settings, ...frame };
export type English = typeof english;
export default english;

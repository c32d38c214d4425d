/** German: every part of the webmail. */

import compose from "./de/compose";
import contacts from "./de/contacts";
import frame from "./de/frame";
import settings from "./de/settings";
import trouble from "./de/trouble";
import ui from "./de/ui";

import type { Texts } from ".";

const german: Texts = { ...ui, ...trouble, ...compose, ...contacts, ...settings, ...frame };
export default german;

/** Every command that a key can give, in one table: the dispatcher, the help and the settings read it.
 *
 * A key is spelled as the browser names it (`KeyboardEvent.key`: "j", "#", "Enter", "I" for Shift and i), two
 * pressed after another with a space between: "g i".
 */

import type { Key } from "../../texts";

export type Group = "move" | "act" | "mark" | "select" | "go" | "write";
export type KeyMap = "gmail" | "fastmail";

interface Command {
  group: Group;
  text: Key;
  gmail: readonly string[];
  fastmail: readonly string[];
}

export const COMMANDS = {
  next: { group: "move", text: "keys.next", gmail: ["j"], fastmail: ["j"] },
  previous: { group: "move", text: "keys.previous", gmail: ["k"], fastmail: ["k"] },
  open: { group: "move", text: "keys.open", gmail: ["o", "Enter"], fastmail: ["o", "Enter"] },
  back: { group: "move", text: "keys.back", gmail: ["u"], fastmail: ["u"] },
  nextMessage: { group: "move", text: "keys.nextMessage", gmail: ["n"], fastmail: ["n"] },
  previousMessage: { group: "move", text: "keys.previousMessage", gmail: ["p"], fastmail: ["p"] },
  unfoldAll: { group: "move", text: "keys.unfoldAll", gmail: [";"], fastmail: [";"] },
  archive: { group: "act", text: "keys.archive", gmail: ["e", "y"], fastmail: ["y"] },
  trash: { group: "act", text: "keys.trash", gmail: ["#", "Delete"], fastmail: ["d", "#", "Delete"] },
  junk: { group: "act", text: "keys.junk", gmail: ["!"], fastmail: ["!"] },
  move: { group: "act", text: "keys.move", gmail: ["v"], fastmail: ["m"] },
  label: { group: "act", text: "keys.label", gmail: ["l"], fastmail: ["l"] },
  snooze: { group: "act", text: "keys.snooze", gmail: ["b"], fastmail: ["z"] },
  undo: { group: "act", text: "keys.undo", gmail: ["z"], fastmail: ["Z"] },
  star: { group: "mark", text: "keys.star", gmail: ["s"], fastmail: ["s", "."] },
  read: { group: "mark", text: "keys.read", gmail: ["I"], fastmail: ["I"] },
  unread: { group: "mark", text: "keys.unread", gmail: ["U"], fastmail: ["U"] },
  select: { group: "select", text: "keys.select", gmail: ["x"], fastmail: ["x"] },
  selectAll: { group: "select", text: "keys.selectAll", gmail: ["* a"], fastmail: ["* a"] },
  selectNone: { group: "select", text: "keys.selectNone", gmail: ["* n"], fastmail: ["* n"] },
  selectRead: { group: "select", text: "keys.selectRead", gmail: ["* r"], fastmail: ["* r"] },
  selectUnread: { group: "select", text: "keys.selectUnread", gmail: ["* u"], fastmail: ["* u"] },
  selectStarred: { group: "select", text: "keys.selectStarred", gmail: ["* s"], fastmail: ["* s"] },
  search: { group: "go", text: "keys.search", gmail: ["/"], fastmail: ["/"] },
  goInbox: { group: "go", text: "keys.goInbox", gmail: ["g i"], fastmail: ["i"] },
  goStarred: { group: "go", text: "keys.goStarred", gmail: ["g s"], fastmail: ["g s"] },
  goSent: { group: "go", text: "keys.goSent", gmail: ["g t"], fastmail: ["g t"] },
  goDrafts: { group: "go", text: "keys.goDrafts", gmail: ["g d"], fastmail: ["g d"] },
  goAll: { group: "go", text: "keys.goAll", gmail: ["g a"], fastmail: ["g a"] },
  goMailbox: { group: "go", text: "keys.goMailbox", gmail: ["g l"], fastmail: ["g g"] },
  goContacts: { group: "go", text: "keys.goContacts", gmail: ["g c"], fastmail: ["g c"] },
  help: { group: "go", text: "keys.help", gmail: ["?"], fastmail: ["?"] },
  compose: { group: "write", text: "keys.compose", gmail: ["c"], fastmail: ["c"] },
  reply: { group: "write", text: "keys.reply", gmail: ["r"], fastmail: ["r"] },
  replyAll: { group: "write", text: "keys.replyAll", gmail: ["a"], fastmail: ["a"] },
  forward: { group: "write", text: "keys.forward", gmail: ["f"], fastmail: ["f"] },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;
export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

/** The keys of a command: the customer's own where there is one ("" takes the key away), else the map's. */
export function keysOf(name: CommandName, map: KeyMap, own: Record<string, string>): readonly string[] {
  const chosen = own[name];
  if (chosen !== undefined) return chosen ? [chosen] : [];
  return COMMANDS[name][map];
}

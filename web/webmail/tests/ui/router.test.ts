// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from "vitest";
import { closeThread, go, href, openThread, parse, route, type Route } from "../../src/ui/router";

const ROUTES: Route[] = [
  { view: "mail", mailbox: "inbox" },
  { view: "mail", mailbox: "b1z", thread: "t9" },
  { view: "search", query: 'from:anna has:attachment "50 %/a?b#c"' },
  { view: "search", query: "Grüße", thread: "t1" },
  { view: "compose", kind: "new", fields: { to: "a@example.org", subject: "50 % & more" } },
  { view: "compose", kind: "replyAll", about: "m12", fields: {} },
  { view: "contacts" },
  { view: "contacts", contact: "c/1" },
  { view: "settings", page: "keys" },
];

describe("an address", () => {
  it.each(ROUTES)("says what it was made from: %j", (each) => {
    expect(parse(href(each))).toEqual(each);
  });

  it("that names nothing is the inbox", () => {
    for (const odd of ["", "#", "#/", "#/nowhere/1", "#/search", "#/mail"]) expect(parse(odd)).toEqual(ROUTES[0]);
  });

  it("with broken escapes is taken as it is", () => {
    expect(parse("#/search/100%")).toEqual({ view: "search", query: "100%" });
  });

  it("of a message about nothing is a new message", () => {
    expect(parse("#/compose/reply")).toEqual({ view: "compose", kind: "new", fields: {} });
  });
});

describe("going", () => {
  beforeEach(() => go(ROUTES[0] as Route, true));

  it("opens and closes a conversation beside its list", () => {
    go({ view: "search", query: "x" }, true);
    openThread("t5", true);
    expect(route.value).toEqual({ view: "search", query: "x", thread: "t5" });
    location.hash = href({ view: "search", query: "x", thread: "t5" });
    closeThread();
    expect(parse(location.hash)).toEqual({ view: "search", query: "x" });
  });

  it("from elsewhere opens a conversation in the inbox", () => {
    go({ view: "contacts" }, true);
    openThread("t5", true);
    expect(route.value).toEqual({ view: "mail", mailbox: "inbox", thread: "t5" });
  });
});

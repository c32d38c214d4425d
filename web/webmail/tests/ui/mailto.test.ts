import { describe, expect, it } from "vitest";
import { mailtoFields } from "../../src/ui/reading/mailto";

describe("a mailto: address", () => {
  it("gives its fields, unescaped", () => {
    expect(mailtoFields("mailto:a@example.org?subject=50%25%20%26%20more&body=a%0D%0Ab&cc=b@example.org")).toEqual({
      to: "a@example.org",
      subject: "50% & more",
      body: "a\r\nb",
      cc: "b@example.org",
    });
  });

  it("may name more recipients among its fields", () => {
    expect(mailtoFields("MAILTO:a@example.org?to=b@example.org")).toEqual({ to: "a@example.org, b@example.org" });
  });

  it("keeps what follows the first = and ?", () => {
    expect(mailtoFields("mailto:?subject=a=b?c")).toEqual({ subject: "a=b?c" });
  });

  it("can't set other headers or attach files", () => {
    expect(mailtoFields("mailto:a@example.org?attach=/etc/passwd&from=x@example.org&__proto__=1")).toEqual({
      to: "a@example.org",
    });
  });

  it("with broken escapes is taken as it is", () => {
    expect(mailtoFields("mailto:a@example.org?subject=100%")).toEqual({ to: "a@example.org", subject: "100%" });
  });
});

// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { speak, t } from "../../src/texts";
import { listDate, size } from "../../src/texts/dates";
import { proposals } from "../../src/ui/choose/snooze";

const NOW = new Date(2026, 10, 25, 15, 30).getTime(); // a Wednesday

describe("dates of a list", () => {
  beforeEach(async () => {
    vi.spyOn(navigator, "languages", "get").mockReturnValue(["de-DE"]);
    await speak("de");
  });

  it("are the time today, the weekday this week, day and month this year, else the date", () => {
    expect(listDate(new Date(2026, 10, 25, 7, 5), NOW)).toBe("07:05");
    expect(listDate(new Date(2026, 10, 24, 23, 59), NOW)).toBe("Dienstag");
    expect(listDate(new Date(2026, 10, 19), NOW)).toBe("Donnerstag");
    expect(listDate(new Date(2026, 10, 18), NOW)).toBe("18. Nov.");
    expect(listDate(new Date(2025, 11, 31), NOW)).toBe("31.12.2025");
  });

  it("of mail from the future are written out, not taken for this week", () => {
    expect(listDate(new Date(2026, 10, 27), NOW)).toBe("27. Nov.");
  });

  it("that are none are empty", () => {
    expect(listDate(Number.NaN, NOW)).toBe("");
  });
});

describe("sizes and counts", () => {
  beforeEach(async () => {
    vi.spyOn(navigator, "languages", "get").mockReturnValue(["en-GB"]);
    await speak("en");
  });

  it("are written as people say them", () => {
    expect(size(0)).toBe("0 byte");
    expect(size(999)).toBe("999 byte");
    expect(size(1_234)).toBe("1 kB");
    expect(size(1_250_000)).toBe("1.3 MB");
  });

  it("choose the form for one and many", () => {
    expect(t("list.messages", { n: 1 })).toBe("1 message");
    expect(t("list.messages", { n: 12_345 })).toBe("12,345 messages");
  });
});

describe("times to snooze until", () => {
  it.each([0, 5, 11, 15, 16, 17, 18, 23])(
    "are in the future, in order and each only once, at %i o'clock on any day",
    (hour) => {
      for (let day = 1; day <= 31; day++) {
        const now = new Date(2026, 11, day, hour, 30);
        const times = proposals(now).map((each) => each.at.getTime());
        expect(Math.min(...times)).toBeGreaterThan(now.getTime());
        expect(new Set(times).size).toBe(times.length);
        expect([...times].sort((a, b) => a - b)).toEqual(times);
      }
    },
  );
});

/** Styles of a message: the properties that shape text and tables, and no value that fetches anything. */

const KEPT = [
  /^(?:background|border|font|list-style|margin|padding|text|column)(?:-[a-z-]+)?$/,
  /^(?:min-|max-)?(?:width|height)$/,
  /^(?:color|direction|display|float|clear|opacity|overflow|white-space|unicode-bidi|visibility)$/,
  /^(?:line-height|letter-spacing|word-spacing|word-break|word-wrap|overflow-wrap|hyphens)$/,
  /^(?:vertical-align|table-layout|caption-side|empty-cells|box-sizing|border-collapse|border-spacing)$/,
  /^(?:gap|row-gap|flex|flex-[a-z]+|align-[a-z]+|justify-[a-z]+|order)$/,
];
// Not kept: position, inset, z-index, transform, filter, content, cursor, animation, transition, pointer-events,
// and everything that begins with "-" (custom properties and vendors' own).

// Functions that fetch, or that bring a value from elsewhere; a backslash hides their names.
const REACHES = /\\|\b(?:url|src|image|image-set|-webkit-image-set|cross-fade|element|paint|var|env|attr|expression)\s*\(/i;
// Heights of the window: the frame is as high as its message, so they would grow without end.
const ENDLESS = /\d(?:[sld]?v(?:h|b|min|max))\b/i;
const REMOTE = /^url\(\s*["']?https?:\/\/[^"'()\\\s]+["']?\s*\)$/i;

export interface Cleaned {
  /** Declarations, name and value. */
  kept: [string, string][];
  /** Images from elsewhere that were left out. */
  blocked: number;
}

/** `style` is that of an element of a document without a window: parsed, never applied. */
export function cleanStyle(style: CSSStyleDeclaration, remoteImages: boolean): Cleaned {
  const cleaned: Cleaned = { kept: [], blocked: 0 };
  for (const name of style) {
    const value = style.getPropertyValue(name).trim();
    if (!value || !KEPT.some((each) => each.test(name))) continue;
    if (ENDLESS.test(value)) continue;
    if (!REACHES.test(value)) cleaned.kept.push([name, value]);
    else if (name === "background-image" && REMOTE.test(value)) {
      if (remoteImages) cleaned.kept.push([name, value]);
      else cleaned.blocked += 1;
    }
  }
  return cleaned;
}

/** JMAP patches (RFC 8620 §5.3) on plain objects: what waits in the outbox is laid over what the server said last. */

export type Patch = Record<string, unknown>;
type Tree = Record<string, unknown>;

const unescape = (word: string) => word.replace(/~1/g, "/").replace(/~0/g, "~");
export const pointer = (...words: string[]) => words.map((word) => word.replace(/~/g, "~0").replace(/\//g, "~1")).join("/");

/** A new object; what the patch doesn't touch is shared with the old one. Null removes. */
export function patched<T extends object>(object: T, patch: Patch): T {
  let whole = object as unknown as Tree;
  for (const [path, value] of Object.entries(patch)) whole = put(whole, path.split("/").map(unescape), value);
  return whole as unknown as T;
}

function put(tree: Tree, [word, ...rest]: string[], value: unknown): Tree {
  if (word === undefined) return tree;
  const copy = { ...tree };
  if (rest.length) {
    const inner = copy[word];
    copy[word] = put(typeof inner === "object" && inner !== null ? (inner as Tree) : {}, rest, value);
  } else if (value === null && isMember(tree, word)) delete copy[word];
  else copy[word] = value;
  return copy;
}

/** Members of maps disappear; top-level properties (`replyTo: null`) stay, as null. */
function isMember(tree: Tree, word: string): boolean {
  return tree[word] === true || tree[word] === undefined || !("id" in tree);
}

/** The patch that undoes `patch` on `object`, as far as the object tells. */
export function inverse(object: object, patch: Patch): Patch {
  const found: Patch = {};
  for (const path of Object.keys(patch)) {
    let at: unknown = object;
    for (const word of path.split("/").map(unescape)) at = (at as Tree | undefined)?.[word];
    found[path] = at ?? null;
  }
  return found;
}

/** One patch with the effect of both, one after the other: a later path takes the place of those it contains. */
export function merged(first: Patch, then: Patch): Patch {
  const found: Patch = {};
  for (const [path, value] of Object.entries(first)) {
    const covered = Object.keys(then).some((other) => path === other || path.startsWith(`${other}/`));
    if (!covered) found[path] = value;
  }
  for (const [path, value] of Object.entries(then)) {
    const above = Object.keys(found).find((other) => path.startsWith(`${other}/`));
    if (above === undefined) found[path] = value;
    else found[above] = put(found[above] as Tree, path.slice(above.length + 1).split("/").map(unescape), value);
  }
  return found;
}

/** Every mention of an id made here by the server's one, keys included: the ids are too long to stand for anything else. */
export function renamed<T>(value: T, from: string, to: string): T {
  return JSON.parse(JSON.stringify(value).replaceAll(from, to)) as T;
}

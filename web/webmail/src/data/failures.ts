/** Failures inside the data layer are exceptions of one class; at its border they are values. */

import type { Outcome, Problem } from "./contract";

export class Failure extends Error {
  constructor(
    readonly what: Problem["what"],
    readonly detail = "",
    readonly more: { retryAfterMs?: number; addresses?: string[]; limit?: number; type?: string } = {},
  ) {
    super(`${what}: ${detail}`);
  }

  /** Worth trying again as it is: nothing was decided about the request. */
  get temporary(): boolean {
    return this.what === "offline" || this.what === "unreachable" || this.what === "unavailable" || this.what === "rate";
  }
}

const REMEDIES: Record<Problem["what"], Problem["remedy"]> = {
  "offline": "wait", "unreachable": "wait", "unavailable": "wait", "rate": "wait", "sign-in": "sign-in",
  "not-here": "wait", "gone": "none", "changed": "retry", "forbidden": "none", "too-large": "shrink",
  "quota": "free-space", "device-full": "free-space", "recipient": "edit", "sender": "edit", "invalid": "edit",
  "unknown": "retry",
};

export function problem(what: Problem["what"], safe: Problem["safe"], more: Partial<Problem> = {}): Problem {
  return { what, safe, remedy: REMEDIES[what], ...more };
}

export function problemOf(error: unknown, safe: Problem["safe"]): Problem {
  if (error instanceof Failure) {
    const { addresses, limit } = error.more;
    return problem(error.what, safe, {
      ...(error.detail ? { detail: error.detail } : {}),
      ...(addresses ? { addresses } : {}),
      ...(limit === undefined ? {} : { limit }),
    });
  }
  if (isFull(error)) return problem("device-full", safe);
  return problem("unknown", safe, { detail: error instanceof Error ? error.message : String(error) });
}

export function isFull(error: unknown): boolean {
  return error instanceof Error && error.name === "QuotaExceededError";
}

/** Runs `work`; what it throws is a problem. */
export async function outcome<T>(safe: Problem["safe"], work: () => Promise<T> | T): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, problem: problemOf(error, safe) };
  }
}

/** RFC 8620 §5.3, RFC 8621 §7.5: why one object of a /set was not made as asked. */
export function failureOfSet(error: { type: string; description?: string | null; [more: string]: unknown }): Failure {
  const words: Record<string, Problem["what"]> = {
    serverUnavailable: "unavailable", serverFail: "unavailable", rateLimit: "rate", notFound: "gone", forbidden: "forbidden",
    willDestroy: "gone", overQuota: "quota", tooLarge: "too-large", tooManyKeywords: "invalid", tooManyMailboxes: "invalid",
    invalidRecipients: "recipient", noRecipients: "recipient", tooManyRecipients: "recipient", forbiddenFrom: "sender",
    forbiddenMailFrom: "sender", forbiddenToSend: "forbidden", cannotUnsend: "gone", stateMismatch: "changed",
    accountReadOnly: "forbidden", blobNotFound: "gone",
  };
  const addresses = error.invalidRecipients as string[] | undefined;
  const limit = (error.maxSize ?? error.maxRecipients) as number | undefined;
  return new Failure(words[error.type] ?? "invalid", error.description ?? error.type, {
    type: error.type, ...(addresses ? { addresses } : {}), ...(limit === undefined ? {} : { limit }),
  });
}

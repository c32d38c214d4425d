/** Bytes become a file of the customer's. */

import { mail, type Attachment, type Outcome } from "../../data";
import { tell } from "../problem";

const KEPT_MS = 60_000; // the browser has begun to read by then

export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}

/** Saves what comes; says why it doesn't. */
export async function saveWhenHere(asked: Promise<Outcome<Blob>>, name: string): Promise<void> {
  const outcome = await asked;
  if (outcome.ok) saveBlob(outcome.value, name);
  else tell(outcome.problem, "attachment.failed");
}

/** The attachment as it came; the browser gets it as mere bytes and never runs it. */
export function saveAttachment(email: string, attachment: Attachment): Promise<void> {
  return saveWhenHere(mail.threads.attachment(email, attachment.part), attachment.name);
}

/** Contacts from files and into files, as vCards. */

import { useRef, useState } from "preact/hooks";
import { type Contact, mail } from "../data";
import { t } from "../texts";
import { Dialog } from "../ui/pieces/dialog";
import type { MenuEntry } from "../ui/pieces/menu";
import { toast } from "../ui/pieces/toast";
import { tell } from "../ui/problem";
import { type Read, readVcards, writeVcards } from "./vcard";

const LARGEST = 50_000_000; // bytes of a file of contacts

export function useTransfer(chosen: () => Contact[]): { menu: MenuEntry[]; dialogs: preact.ComponentChildren } {
  const input = useRef<HTMLInputElement>(null);
  const [read, setRead] = useState<Read | null>(null);
  const [done, setDone] = useState<number | null>(null);

  const open = async (files: File[]) => {
    const large = files.find((each) => each.size > LARGEST);
    if (large) return tell({ what: "too-large", safe: "unchanged", remedy: "shrink", limit: LARGEST });
    const all = await Promise.all(files.map(textOf));
    const found = all.map(readVcards);
    setRead({ contacts: found.flatMap((each) => each.contacts), broken: found.reduce((sum, each) => sum + each.broken, 0) });
  };
  const take = async () => {
    if (!read) return;
    setDone(0);
    const wrong = await takeIn(read, setDone);
    setRead(null);
    setDone(null);
    if (wrong) tell(wrong);
    else toast({ text: t("contacts.imported", { n: read.contacts.length }) });
  };
  const dialogs = (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept=".vcf,.vcard,text/vcard"
        aria-label={t("contacts.import")}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = "";
          if (files.length) void open(files);
        }}
      />
      {read && (
        <Dialog
          title={t("contacts.import")}
          onClose={() => setRead(null)}
          foot={
            <>
              <button type="button" class="button" onClick={() => setRead(null)}>
                {t("cancel")}
              </button>
              {read.contacts.length > 0 && (
                <button type="button" class="button primary" data-first disabled={done !== null} onClick={() => void take()}>
                  {t("contacts.importTake", { n: read.contacts.length })}
                </button>
              )}
            </>
          }
        >
          <p>{t(read.contacts.length ? "contacts.importFound" : "contacts.importNone", { n: read.contacts.length })}</p>
          {read.broken > 0 && <p>{t("contacts.importBroken", { n: read.broken })}</p>}
          {done !== null && <progress max={read.contacts.length} value={done} aria-label={t("contacts.import")} />}
        </Dialog>
      )}
    </>
  );
  const menu: MenuEntry[] = [
    { text: t("contacts.import"), icon: "download", run: () => input.current?.click() },
    { text: t("contacts.export4"), icon: "outbox", run: () => save(writeVcards(chosen(), "4.0")) },
    { text: t("contacts.export3"), icon: "outbox", run: () => save(writeVcards(chosen(), "3.0")) },
  ];
  return { menu, dialogs };
}

/** UTF-8; files of old programs are Windows-1252. */
async function textOf(file: File): Promise<string> {
  const bytes = await file.arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

/** People first, so that groups find their members. */
async function takeIn(read: Read, told: (done: number) => void) {
  const ids = new Map<string, string>();
  const sorted = [...read.contacts].sort((one, other) => Number(one.kind === "group") - Number(other.kind === "group"));
  for (const [at, { uid, memberUids, ...contact }] of sorted.entries()) {
    const members = memberUids.map((each) => ids.get(each)).filter((each): each is string => each !== undefined);
    const outcome = await mail.contacts.create({ ...contact, members });
    if (!outcome.ok) return outcome.problem;
    if (uid) ids.set(uid, outcome.value);
    if (at % 20 === 0) told(at);
  }
  return null;
}

function save(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/vcard" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = t("contacts.fileName");
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

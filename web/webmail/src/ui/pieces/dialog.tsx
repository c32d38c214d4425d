/** A modal dialog: the platform's own element keeps the focus inside, Escape closes it, and the focus goes back
 * to where it was. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../../texts";
import { Icon } from "./icon";

export interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** Buttons at the foot. */
  foot?: ComponentChildren;
  wide?: boolean;
  /** What Enter does: the dialog's content is a form then. */
  onSubmit?: () => void;
}

export function Dialog({ title, onClose, children, foot, wide = false, onSubmit }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      element.current?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const body = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    // Long text without anything to act on is scrolled by keys once it has the focus.
    const box = body.current;
    if (box && box.scrollHeight > box.clientHeight && !box.querySelector("a, button, input, [tabindex]"))
      box.tabIndex = 0;
  }, []);
  useEffect(() => {
    const wanted = element.current?.querySelector<HTMLElement>("[data-first]");
    wanted?.focus();
  }, []);
  const content = (
    <>
      <div ref={body} class="dialog-body">
        {children}
      </div>
      {foot && <div class="dialog-foot">{foot}</div>}
    </>
  );
  return (
    <dialog
      ref={element}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={heading}
      onCancel={(event) => (event.preventDefault(), onClose())}
      onKeyDown={(event) => event.stopPropagation()}
      onMouseDown={(event) => event.target === element.current && onClose()}
    >
      <div class="dialog-card">
        <div class="dialog-head">
          <h2 id={heading}>{title}</h2>
          <button type="button" class="tool" aria-label={t("close")} onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        {onSubmit ? (
          <form class="dialog-form" onSubmit={(event) => (event.preventDefault(), onSubmit())}>
            {content}
          </form>
        ) : (
          content
        )}
      </div>
    </dialog>
  );
}

/** A question before what can't be taken back. */
export function Confirm(props: {
  title: string;
  text: string;
  yes: string;
  danger?: boolean;
  onYes: () => void;
  onClose: () => void;
}) {
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      foot={
        <>
          <button type="button" class="button" data-first onClick={props.onClose}>
            {t("cancel")}
          </button>
          <button
            type="button"
            class={props.danger ? "button danger" : "button primary"}
            onClick={() => (props.onClose(), props.onYes())}
          >
            {props.yes}
          </button>
        </>
      }
    >
      <p>{props.text}</p>
    </Dialog>
  );
}

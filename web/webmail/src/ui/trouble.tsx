/** What went wrong, said where its answer would have stood: what failed, what is safe, what to do. */

import { t } from "../texts";
import { Icon } from "./pieces/icon";

export function Trouble({ title, text, onAgain }: { title: string; text: string; onAgain?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <Icon name="warning" />
      <div>
        <p class="trouble-title">{title}</p>
        <p>{text}</p>
        {onAgain && (
          <button type="button" class="button" onClick={onAgain}>
            {t("again")}
          </button>
        )}
      </div>
    </div>
  );
}

/** The message behind a route, once: begun or taken up, or why it can't be. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../data";
import { whatFailed, whatNow } from "../ui/problem";
import type { ComposeRoute } from "../ui/router";
import { Trouble } from "../ui/trouble";
import { begin } from "./begin";
import { Writing } from "./writing";

export function Opened({ route, children }: { route: ComposeRoute; children: (writing: Writing) => ComponentChildren }) {
  const [writing, setWriting] = useState<Writing | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const gone = useRef(false);
  const open = async () => {
    setProblem(null);
    const begun = await begin(route);
    if (gone.current) return;
    if (begun.ok) setWriting(new Writing(begun.value));
    else setProblem(begun.problem);
  };
  useEffect(() => {
    void open();
    return () => {
      gone.current = true;
    };
  }, []);
  useEffect(() => () => void writing?.keep(), [writing]);
  if (problem) return <Trouble title={whatFailed(problem)} text={whatNow(problem)} onAgain={() => void open()} />;
  return writing ? <>{children(writing)}</> : <div class="part-waiting" aria-busy="true" />;
}

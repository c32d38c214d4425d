/** Text with the words that were searched for marked. */

import { mail } from "../../data";

export function Marked({ text, words }: { text: string; words: string[] }) {
  if (words.length === 0 || !text) return <>{text}</>;
  return (
    <>
      {text.split(/(?<=[^\p{L}\p{N}])(?=[\p{L}\p{N}])|(?<=[\p{L}\p{N}])(?=[^\p{L}\p{N}])/u).map((piece, place) => {
        const plain = mail.search.fold(piece);
        const found = words.find((word) => plain.startsWith(word));
        return found ? <mark key={place}>{piece}</mark> : piece;
      })}
    </>
  );
}

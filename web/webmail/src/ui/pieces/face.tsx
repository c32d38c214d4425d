/** A person's initials in their colour; decoration beside the name. */

import type { Person } from "../../data";
import { faceColour, initials } from "../names";

export function Face({ person, large = false }: { person: Person; large?: boolean }) {
  return (
    <span class={`face face-${faceColour(person)}${large ? " large" : ""}`} aria-hidden="true">
      {initials(person)}
    </span>
  );
}

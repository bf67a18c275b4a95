// What a test may do to this broker: make requests fail, move the time, take everything back. Only where control is on.

import { Page, html } from "../parts.js";
import { Clock } from "./control/clock.js";
import { Data } from "./control/data.js";
import { Faults } from "./control/faults.js";

export default function Control() {
  return html`<${Page} title="Faults and clock" lead="For tests and for learning: everything here is a verb of the control API, too.">
    <div class="panels">
      <${Clock} />
      <${Data} />
    </div>
    <${Faults} />
  <//>`;
}

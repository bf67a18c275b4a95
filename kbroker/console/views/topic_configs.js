// A topic's configs.

import { Configs } from "../configs.js";
import { html } from "../parts.js";

export default ({ topic }) => html`<${Configs} kind="topic" name=${topic} />`;

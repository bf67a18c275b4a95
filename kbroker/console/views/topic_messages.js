// The messages of a topic, as a tab of its page: the browser of `messages.js`.

import { html } from "../parts.js";
import { Browser, useTopics } from "./messages.js";

export default function TopicMessages({ topic, query }) {
  const [topics] = useTopics();
  return html`<${Browser} topic=${topic} words=${query} topics=${topics ?? []}
    frame=${(actions, content) => html`<div class="page"><div class="row">${actions}</div>${content}</div>`} />`;
}

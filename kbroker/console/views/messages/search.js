// A search: its words in the address, its request, and its hits as they stream in.

import { follow } from "../../api.js";
import { useEffect, useRef, useState } from "../../parts.js";

export const ORDERS = [["newest", "newest first"], ["oldest", "oldest first"], ["follow", "follow (tail)"]];
export const KINDS = [["text", "text"], ["regex", "regex"], ["path", "JSON path"]];
export const PLACES = [["", "anywhere"], ["key:", "in the key"], ["value:", "in the value"], ["header.", "in a header"]];
const PREVIEW = 400;
const PAGE = 100;
const MOST_SHOWN = 2000;
const PAINT_MS = 100;

/** The address of a search, on the page of messages or in the tab of its topic: its words behind ?, without those that say
 *  nothing. */
export function addressOf(topic, words) {
  const query = new URLSearchParams(Object.entries(words).filter(([, value]) => value !== "" && value !== false && value !== undefined));
  const text = query.toString();
  return `#/${words.tab ? "topics" : "messages"}/${encodeURIComponent(topic)}${text ? `?${text}` : ""}`;
}

/** Those of the arguments of /records/search that /records/export has, too. */
export function rangeOf(topic, words) {
  const query = new URLSearchParams({ topic });
  if (words.partitions) query.set("partitions", words.partitions);
  if (words.from) query.set("start", words.from);
  if (words.to) query.set("end", words.to);
  if (words.committed) query.set("committed", "true");
  if (words.filter) query.set(words.kind || "text", `${placeOf(words)}${words.filter}`);
  return query;
}

const placeOf = ({ where = "", header = "" }) => (where === "header." ? (header ? `header.${header}:` : "") : where);

export function requestOf(topic, words) {
  const query = rangeOf(topic, words);
  const order = words.order || "newest";
  if (order === "follow") {
    query.set("follow", "true");
    if (!words.from) query.set("start", "-10");
  } else query.set("order", order);
  if (words.control) query.set("control", "true");
  query.set("preview", PREVIEW);
  query.set("limit", PAGE);
  return query;
}

const START = { hits: [], news: null, running: false, error: "", kept: 0 };

/** Runs the search of these words: {hits, news, running, error, kept, stop, more, paused, pause}. `kept` hits wait while paused. */
export function useSearch(topic, words) {
  const [state, setState] = useState(START);
  const [paused, pause] = useState(false);
  const work = useRef({ hits: [], waiting: [], end: () => {}, paused: false });
  const tails = words.order === "follow";
  const key = topic && `${requestOf(topic, words)}`;

  const paint = (more) => {
    const mine = work.current;
    const arrived = mine.paused ? [] : mine.waiting.splice(0);
    mine.hits = tails ? [...arrived.reverse(), ...mine.hits].slice(0, MOST_SHOWN) : [...mine.hits, ...arrived];
    setState({ hits: mine.hits, news: mine.news, running: mine.running, error: mine.error ?? "", kept: mine.waiting.length, ...more });
  };

  const run = (query) => {
    const mine = work.current;
    mine.running = true;
    mine.error = "";
    let timer = null;
    const soon = () => (timer ??= setTimeout(() => ((timer = null), paint()), PAINT_MS));
    const hear = (event, type) => {
      if (type === "error") mine.error = event.error.message;
      else {
        mine.news = { ...event, records: null };
        mine.waiting.push(...event.records);
        if (tails) mine.waiting.splice(0, mine.waiting.length - MOST_SHOWN);
        if (event.done) mine.running = false;
      }
      soon();
    };
    const done = (error) => {
      mine.running = false;
      if (error) mine.error = error.message;
      soon();
    };
    const quit = follow(`/records/search?${query}`, hear, done);
    mine.end = () => (quit(), clearTimeout(timer), (mine.running = false));
    paint();
  };

  useEffect(() => {
    if (!key) return undefined;
    Object.assign(work.current, { hits: [], waiting: [], news: null, paused: false, found: 0 });
    pause(false);
    run(requestOf(topic, words));
    return () => work.current.end();
  }, [key, words.at]);

  return {
    ...state,
    paused,
    stop: () => (work.current.end(), paint()),
    more: () => {
      const query = requestOf(topic, words);
      query.set("next", JSON.stringify(work.current.news.next));
      run(query);
    },
    pause: (yes) => ((work.current.paused = yes), pause(yes), paint()),
  };
}

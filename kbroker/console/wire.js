// The wire, live: one stream of rows for all views of the inspector, and what these have in common.
//
// The stream is open while one of them is in sight; rows stay while the page does. When more comes than a person can
// read the list pauses by itself and counts; whoever says "go on" gets the newest of each look, the rest is counted.

import { follow } from "./api.js";
import { useEffect, useState } from "./parts.js";

const MOST = 400;
const LINGER_MS = 500;
const TOO_FAST = 2; // looks in a row from which something was left out

class Live extends EventTarget {
  rows = [];
  others = 0; // answers that nobody was shown
  missed = 0; // and such as were forgotten before
  paused = false;
  tooFast = false;
  error = null;
  listening = false; // the broker has said that it tells from now on
  #held = [];
  #fast = 0;
  #calm = false; // somebody has said "go on"
  #filter = null;
  #stop = null;
  #lookers = 0;

  look(filter) {
    this.#lookers += 1;
    if (filter !== null && filter !== this.#filter) this.#open(filter);
    else if (!this.#stop) this.#open(this.#filter ?? "");
    return () => {
      this.#lookers -= 1;
      setTimeout(() => !this.#lookers && this.#close(), LINGER_MS);
    };
  }

  get held() {
    return this.#held.length;
  }

  pause(tooFast = false) {
    this.paused = true;
    this.tooFast = tooFast;
    this.#tell();
  }

  goOn() {
    this.#calm ||= this.tooFast;
    this.paused = this.tooFast = false;
    this.#show(this.#held.splice(0));
    this.#tell();
  }

  clear() {
    this.rows = [];
    this.#held = [];
    this.others = this.missed = 0;
    this.#tell();
  }

  #open(filter) {
    this.#close();
    if (filter !== this.#filter) this.clear();
    this.#filter = filter;
    this.#calm = false;
    this.error = null;
    this.listening = false;
    this.#stop = follow(`/frames/follow${filter}`, (event) => this.#heard(event), (error) => ((this.error = error), this.#tell()));
  }

  #close() {
    this.#stop?.();
    this.#stop = null;
  }

  #heard({ rows, others, missed }) {
    const began = !this.listening;
    this.listening = true;
    this.others += others;
    this.missed += missed;
    this.#fast = others ? this.#fast + 1 : 0;
    if (this.paused) this.others += Math.max(0, this.#held.push(...rows) - MOST), this.#held.splice(0, this.#held.length - MOST);
    else this.#show(rows);
    if (this.#fast >= TOO_FAST && !this.#calm && !this.paused) this.pause(true);
    else if (rows.length || others || missed || began) this.#tell();
  }

  #show(rows) {
    if (rows.length) this.rows = [...this.rows, ...rows].slice(-MOST);
  }

  #tell() {
    this.dispatchEvent(new Event("moved"));
  }
}

export const live = new Live();

/** Keeps the stream open while the view is there; with a `filter` (a query, "?..." or "") it is that one's rows. */
export function useLive(filter = null) {
  const [, turn] = useState(0);
  useEffect(() => {
    const moved = () => turn((old) => old + 1);
    live.addEventListener("moved", moved);
    const leave = live.look(filter);
    return () => (leave(), live.removeEventListener("moved", moved));
  }, [filter]);
  return live;
}

/** "?api=Produce&failed=true" of what is set. */
export function query(filter) {
  const set = Object.entries(filter).filter(([, value]) => value !== "" && value !== false && value !== undefined);
  const text = new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

export const clock = (ms) => new Date(ms).toISOString().slice(11, 23);
export const took = (ms) => (ms < 10 ? ms.toFixed(2) : ms < 1000 ? ms.toFixed(0) : `${(ms / 1000).toFixed(1)} s`);

const OF_GROUPS = new Set(["JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup", "ConsumerGroupHeartbeat", "ShareGroupHeartbeat", "StreamsGroupHeartbeat", "OffsetCommit", "OffsetFetch"]);
const OF_TRANSACTIONS = new Set(["InitProducerId", "AddPartitionsToTxn", "AddOffsetsToTxn", "EndTxn", "TxnOffsetCommit"]);

/** Where the story of a row is told, if it belongs to one: {href, title}. */
export function storyOf(row) {
  if (!row.about) return null;
  if (OF_GROUPS.has(row.api)) return { href: `#/wire/group/${encodeURIComponent(row.about)}`, title: `Group ${row.about}` };
  if (OF_TRANSACTIONS.has(row.api)) return { href: `#/wire/transaction/${encodeURIComponent(row.about)}`, title: `Transaction ${row.about}` };
  return null;
}

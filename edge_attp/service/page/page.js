// Shows the messages of /events. All text from the network becomes text nodes, never markup.
"use strict";

const PICTURE_MS = 200;
const RETRY_MS = 1500;
const SILENCE_MS = 4000;
const SHOWN_EVENTS = 50;
const SHOWN_LABELS = 3;
const WINDOW = 20; // status messages that rates and mean times are computed from
const TARGET_MS = 25;
const STAGES = ["parse", "regions", "tensors", "appearance", "motion", "score"];
const REST = ["demux", "decode_key", "upload", "sink"];

const byId = (id) => document.getElementById(id);
const cards = new Map();
let heard = 0;
let started = 0; // of the service
let newestEvent = 0;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

// One stream ----------------------------------------------------------------------------------

class Card {
  constructor(name) {
    this.name = name;
    this.root = byId("stream").content.firstElementChild.cloneNode(true);
    this.part = {};
    for (const node of this.root.querySelectorAll("[data-is]")) this.part[node.dataset.is] = node;
    this.part.name.textContent = name;
    this.history = [];
    this.isGone = false;
    byId("streams").append(this.root);
    this.nextPicture();
  }

  remove() {
    this.isGone = true;
    this.root.remove();
  }

  // Requests the next picture when the last one is on the screen, so a slow network gets fewer pictures.
  async nextPicture() {
    if (this.isGone) return;
    let wait = PICTURE_MS;
    if (!document.hidden) {
      const next = new Image();
      next.alt = `Live picture of ${this.name} with its motion`;
      next.src = `streams/${encodeURIComponent(this.name)}/picture.jpg?t=${Date.now()}`;
      try {
        await next.decode();
        this.part.picture.replaceWith(next);
        this.part.picture = next;
        this.part.view.style.aspectRatio = `${next.naturalWidth} / ${next.naturalHeight}`;
        this.part["no-picture"].hidden = true;
      } catch (error) {
        wait = RETRY_MS;
      }
    }
    setTimeout(() => this.nextPicture(), wait);
  }

  show(stream, time) {
    this.history = this.history.concat([{ time, stream }]).slice(-WINDOW);
    this.part.state.className = `state ${stream.state}`;
    setText(this.part.state, stream.state);
    this.part.error.hidden = !stream.error;
    setText(this.part.error, stream.error || "");
    this.showLabels(stream.top.slice(0, SHOWN_LABELS));
    this.showStages();
    this.showNumbers(stream);
  }

  showLabels(top) {
    this.part["no-label"].hidden = top.length > 0;
    const list = this.part.labels;
    while (list.children.length > top.length) list.lastChild.remove();
    while (list.children.length < top.length) {
      const item = element("li");
      const meter = element("meter");
      item.append(element("span"), element("span"), meter);
      list.append(item);
    }
    top.forEach(([label, probability], index) => {
      const [name, value, meter] = list.children[index].children;
      setText(name, label);
      setText(value, probability.toFixed(2));
      meter.value = probability;
      meter.setAttribute("aria-label", `Probability of ${label}`);
    });
  }

  // Milliseconds of a stage per scored picture, over the last messages.
  stageMs(names) {
    const first = this.history[0].stream;
    const last = this.history[this.history.length - 1].stream;
    const pictures = last.scored + last.idle - first.scored - first.idle;
    if (pictures <= 0) return 0;
    const seconds = (stream, name) => (stream.stages[name] || [0, 0])[1];
    const spent = names.map((name) => seconds(last, name) - seconds(first, name));
    return (1000 * spent.reduce((sum, value) => sum + value, 0)) / pictures;
  }

  showStages() {
    const times = STAGES.map((name) => [name, this.stageMs([name])]);
    times.push(["other", this.stageMs(REST)]);
    const sum = times.reduce((total, [, ms]) => total + ms, 0);
    if (sum === 0) return; // nothing was scored recently: keep the last times
    const full = Math.max(TARGET_MS, sum);
    const { bar, stages } = this.part;
    if (!bar.children.length) {
      for (const [name] of times) {
        bar.append(element("span", name));
        const item = element("li");
        item.append(element("i", name), element("span"));
        stages.append(item);
      }
    }
    times.forEach(([name, ms], index) => {
      bar.children[index].style.width = `${(100 * ms) / full}%`;
      setText(stages.children[index].lastChild, `${name} ${ms.toFixed(1)}`);
    });
    setText(this.part.sum, `${sum.toFixed(1)} of ${full.toFixed(0)} ms`);
    bar.setAttribute("aria-label", `${sum.toFixed(1)} of ${full.toFixed(0)} milliseconds`);
  }

  rate() {
    const first = this.history[0];
    const last = this.history[this.history.length - 1];
    if (last.time <= first.time) return null;
    return Math.max(0, (last.stream.pictures - first.stream.pictures) / (last.time - first.time));
  }

  showNumbers(stream) {
    const rate = this.rate();
    const numbers = [
      ["size", stream.size[0] ? `${stream.size[0]} × ${stream.size[1]}` : "–"],
      ["pictures/s", rate === null ? "–" : rate.toFixed(1)],
      ["pictures", stream.pictures.toLocaleString("en")],
      ["scored", stream.scored.toLocaleString("en")],
      ["idle", stream.idle.toLocaleString("en")],
      ["damaged", stream.damaged.toLocaleString("en"), stream.damaged > 0],
      ["skipped", stream.skipped.toLocaleString("en"), stream.skipped > 0],
      ["behind", `${stream.lag_s.toFixed(1)} s`],
      ["restarts", String(stream.restarts), stream.restarts > 0],
    ];
    for (const [kind, count] of Object.entries(stream.source)) {
      if (count) numbers.push([kind.replace(/_/g, " "), count.toLocaleString("en")]);
    }
    const list = this.part.numbers;
    while (list.children.length > numbers.length) list.lastChild.remove();
    while (list.children.length < numbers.length) {
      const item = element("div");
      item.append(element("dt"), element("dd"));
      list.append(item);
    }
    numbers.forEach(([name, value, isBad], index) => {
      const [term, what] = list.children[index].children;
      setText(term, name);
      setText(what, value);
      what.className = isBad ? "bad" : "";
    });
  }
}

// The whole -----------------------------------------------------------------------------------

function showHealth(className, text) {
  byId("health").className = className;
  setText(byId("health"), text);
}

function showStatus(status) {
  heard = Date.now();
  if (status.started_s !== started) {
    started = status.started_s;
    newestEvent = 0; // a restarted service counts from 1 again
  }
  const isWell = status.problems.length === 0;
  showHealth(isWell ? "good" : "bad", isWell ? "running" : status.problems.join("; "));
  setText(byId("about"), `edge-attp ${status.version}, up for ${duration(status.time_s - started)}`);
  const names = new Set(status.streams.map((stream) => stream.name));
  for (const [name, card] of cards) {
    if (!names.has(name)) {
      card.remove();
      cards.delete(name);
    }
  }
  for (const stream of status.streams) {
    if (!cards.has(stream.name)) cards.set(stream.name, new Card(stream.name));
    cards.get(stream.name).show(stream, status.time_s);
  }
}

// Where something moves: its size and upper left corner in pixels.
function boxText([left, top, right, bottom]) {
  return `${right - left} × ${bottom - top} at ${left}, ${top}`;
}

function eventRow(event) {
  const row = element("tr");
  const when = new Date(1000 * event.time_s);
  const time = element("time", "", when.toLocaleTimeString("en-GB"));
  time.dateTime = when.toISOString();
  time.title = when.toLocaleString();
  const cell = element("td");
  cell.append(time);
  row.append(
    cell,
    element("td", "", event.label),
    element("td", "number", event.score.toFixed(2)),
    element("td", "", event.stream),
    element("td", "number", event.box ? boxText(event.box) : "–"),
    element("td", "number", `${(event.end_s - event.start_s).toFixed(1)} s`),
  );
  return row;
}

function showEvent(event) {
  if (event.number <= newestEvent) return; // sent again after a reconnect
  newestEvent = event.number;
  const rows = byId("event-rows");
  rows.prepend(eventRow(event));
  while (rows.children.length > SHOWN_EVENTS) rows.lastChild.remove();
  byId("no-events").hidden = true;
  byId("events-table").hidden = false;
  byId("news").textContent = `${event.stream}: ${event.label}`;
}

function connect() {
  const source = new EventSource("events");
  source.addEventListener("status", (message) => showStatus(JSON.parse(message.data)));
  source.addEventListener("event", (message) => showEvent(JSON.parse(message.data)));
  source.addEventListener("error", () => {
    showHealth("bad", "no connection");
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  });
}

// The cookie is set by now, so the token need not stay in the address.
if (location.search) history.replaceState(null, "", location.pathname);
connect();
setInterval(() => {
  if (heard && Date.now() - heard > SILENCE_MS) showHealth("bad", "no news from the service");
}, 1000);

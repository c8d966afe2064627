// A transcript that grows while people talk: the same look as on the call's page, written without markup from outside.

export class Transcript {
  constructor(list) {
    this.list = list;
    this.turns = new Map();
  }

  clear() {
    this.turns.clear();
    this.list.replaceChildren();
  }

  // `turns` as the API gives them; a turn that comes again under its index replaces the earlier one.
  show(turns) {
    for (const turn of turns) {
      const seen = JSON.stringify(turn);
      const known = this.turns.get(turn.index);
      if (known?.seen === seen) continue;
      const item = draw(turn);
      if (known) known.item.replaceWith(item);
      else this.list.append(item);
      this.turns.set(turn.index, { seen, item });
      this.list.scrollTop = this.list.scrollHeight;
    }
  }
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function draw(turn) {
  const item = element("li", `turn turn-${turn.speaker}`);
  item.dataset.speaker = turn.speaker;
  const bubble = element("div", "bubble");
  bubble.append(...words(turn));
  const note = element("p", "turn-meta", turn.speaker === "agent" ? "Agent" : "You");
  if (turn.interrupted) note.append(" · interrupted");
  if (turn.latency) {
    const { endpoint_ms, recognition_ms, brain_ms, first_audio_ms } = turn.latency;
    note.append(` · answered in ${endpoint_ms + recognition_ms + brain_ms + first_audio_ms} ms`);
  }
  item.append(note, bubble);
  return item;
}

function words(turn) {
  if (turn.digits) return [element("span", "keys", `Keys ${turn.digits}`)];
  if (!turn.text) return [element("span", "unclear", "not understood")];
  if (turn.speaker === "agent" && turn.heard !== turn.text && turn.text.startsWith(turn.heard)) {
    return [element("span", "heard", turn.heard), element("span", "unheard", turn.text.slice(turn.heard.length))];
  }
  return [element("span", "heard", turn.text)];
}


"use strict";
// Searches, filters and copies. Nothing that has to be read needs it, and it writes text only.
(function () {
  const at = (id) => document.getElementById(id);
  const form = at("search:"), words = at("search:words"), arm = at("search:arm"), outcome = at("search:outcome");
  const SHOWN = 200, AROUND = 70;
  const turns = Array.from(document.querySelectorAll(".turn"), (turn) => {
    const text = turn.querySelector(".text").cloneNode(true);
    text.querySelectorAll(".back").forEach((each) => each.remove());
    const said = text.textContent;
    return { id: turn.id, said, low: said.toLowerCase(), arm: turn.parentNode.dataset.arm, outcome: turn.dataset.outcome || "" };
  });
  const offer = (select, values) => [...new Set(values)].sort().forEach((value) => {
    const option = document.createElement("option");
    option.value = option.textContent = value;
    select.append(option);
  });
  offer(arm, turns.map((turn) => turn.arm));
  offer(outcome, turns.map((turn) => turn.outcome).filter(Boolean));
  const shown = (turn, place, length) => {
    const item = document.createElement("li"), link = document.createElement("a"), mark = document.createElement("mark");
    link.href = "#" + turn.id;
    link.textContent = turn.id;
    link.className = "cite";
    mark.textContent = turn.said.slice(place, place + length);
    item.append(link, (place > AROUND ? "…" : "") + turn.said.slice(Math.max(0, place - AROUND), place), mark,
      turn.said.slice(place + length, place + length + AROUND) + (turn.said.length > place + length + AROUND ? "…" : ""));
    return item;
  };
  // What a link leads to comes to lie below the search, however long its list is.
  const settle = () => {
    const sticky = getComputedStyle(form).position === "sticky";
    document.documentElement.style.scrollPaddingTop = sticky ? form.offsetHeight + 16 + "px" : "";
  };
  const search = () => {
    const wanted = words.value.trim().toLowerCase(), found = at("search:found"), count = at("search:count");
    found.replaceChildren();
    count.textContent = "";
    if (!wanted && !outcome.value && !arm.value) return;
    const hits = turns.filter((turn) => (!arm.value || turn.arm === arm.value) &&
      (!outcome.value || turn.outcome === outcome.value) && turn.low.includes(wanted));
    count.textContent = hits.length + (hits.length === 1 ? " turn" : " turns") + (hits.length > SHOWN ? ", the first " + SHOWN + " are listed" : "");
    found.append(...hits.slice(0, SHOWN).map((turn) => shown(turn, turn.low.indexOf(wanted), wanted.length)));
  };
  form.hidden = false;
  form.addEventListener("input", () => { search(); settle(); });
  addEventListener("resize", settle);
  form.addEventListener("submit", (event) => event.preventDefault());

  const copy = (text, button, said) => {
    const done = () => { button.textContent = "copied"; setTimeout(() => { button.textContent = said; }, 1500); };
    const byHand = () => {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      done();
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, byHand); else byHand();
  };
  const provenance = (text, place, digest) =>
    "“" + text + "”\n— " + document.body.dataset.model + ", " + place + "\nturn " + digest + "\narchive " + document.body.dataset.archive + "\n";
  document.querySelectorAll("blockquote[data-place]").forEach((quote) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "copy with its provenance";
    button.addEventListener("click", () =>
      copy(provenance(quote.querySelector(".quoted").textContent, quote.dataset.place, quote.dataset.sha256), button, "copy with its provenance"));
    quote.append(button);
  });

  // A passage of one turn that the reader selects: its place in code points, when each shows as itself.
  const length = (text) => Array.from(text).length;
  const before = (text, node, offset) => {
    const range = document.createRange();
    range.setStart(text, 0);
    range.setEnd(node, offset);
    const part = range.cloneContents();
    part.querySelectorAll(".back").forEach((each) => each.remove());
    return part.textContent;
  };
  const copier = document.createElement("button");
  copier.type = "button";
  copier.className = "copier";
  copier.textContent = "copy with provenance";
  copier.hidden = true;
  document.body.append(copier);
  let picked = null;
  document.addEventListener("selectionchange", () => {
    const selection = getSelection(), range = selection.rangeCount && !selection.isCollapsed ? selection.getRangeAt(0) : null;
    const inside = (node) => (node.nodeType === 1 ? node : node.parentNode).closest(".text[data-sha256]");
    const text = range && inside(range.startContainer);
    picked = text && text === inside(range.endContainer) ? { text, range: range.cloneRange() } : null;
    copier.hidden = picked === null;
  });
  copier.addEventListener("mousedown", (event) => event.preventDefault());
  copier.addEventListener("click", () => {
    if (picked === null) return;
    const head = before(picked.text, picked.range.startContainer, picked.range.startOffset);
    const all = before(picked.text, picked.range.endContainer, picked.range.endOffset);
    const start = length(head), turn = picked.text.closest(".turn").id;
    const exact = "exact" in picked.text.dataset;
    copy(provenance(all.slice(head.length), exact ? turn + "#" + start + "-" + length(all) : turn + " (it holds escapes: no place is counted)",
      picked.text.dataset.sha256), copier, "copy with provenance");
  });

  // A place that nothing quotes has no anchor of its own: it is found by counting, and selected.
  const go = () => {
    const asked = decodeURIComponent(location.hash.slice(1)), found = /^(.+\/\d+):(\d+)-(\d+)$/.exec(asked);
    if (!found || at(asked)) return;
    const turn = at(found[1]), text = turn && turn.querySelector(".text[data-exact]");
    if (!turn) return;
    turn.scrollIntoView();
    if (!text) return;
    const range = document.createRange(), walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    let passed = 0, open = false;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentNode.closest(".back")) continue;
      const points = Array.from(node.data), start = Number(found[2]) - passed, end = Number(found[3]) - passed;
      if (!open && start < points.length) { range.setStart(node, points.slice(0, start).join("").length); open = true; }
      if (open && end <= points.length) { range.setEnd(node, points.slice(0, end).join("").length); getSelection().removeAllRanges(); getSelection().addRange(range); return; }
      passed += points.length;
    }
  };
  addEventListener("hashchange", go);
  go();
})();

"use strict";
// What a page does beyond what a browser does by itself: values are shown where
// one points, taps or steps with the arrow keys, and series are hidden and shown
// by their legend. Marks are the invisible rectangles of mark.go: the title of
// each is where it is and, on the next line, what the value is there.
const tip = document.createElement("div"), ring = document.createElementNS("http://www.w3.org/2000/svg", "rect");
tip.className = "tip-box";
tip.setAttribute("role", "status"); // read aloud as one steps
tip.hidden = true;
ring.setAttribute("class", "ring");
document.body.append(tip);

for (const chart of document.querySelectorAll("svg:has(.marks)")) enliven(chart);
for (const legend of document.querySelectorAll(".legend")) toggling(legend);
document.addEventListener("pointerdown", e => { if (!e.target.closest("svg")) leave(); });
document.addEventListener("keydown", e => { if (e.key == "Escape") leave(); });

function enliven(chart) {
  const marks = [...chart.querySelectorAll(".marks rect")].map(box => {
    const [where, ...what] = box.querySelector("title").textContent.split("\n");
    box.querySelector("title").remove(); // the browser would show it too
    const of = name => Number(box.getAttribute(name));
    return {box, where, what: what.join(" "), x: of("x"), y: of("y"), w: of("width"), h: of("height"), chart};
  });
  let at = -1;
  const seen = () => marks.filter(m => m.box.style.display != "none");
  const point = e => {
    const frame = chart.getBoundingClientRect(), by = chart.viewBox.baseVal.width / frame.width;
    const x = (e.clientX - frame.left) * by, y = (e.clientY - frame.top) * by;
    const away = m => Math.hypot(Math.max(m.x - x, 0, x - m.x - m.w), Math.max(m.y - y, 0, y - m.y - m.h));
    const near = seen().reduce((a, m) => !a || away(m) < away(a) ? m : a, null);
    near && away(near) < 40 ? show(near, seen()) : leave();
    at = near ? seen().indexOf(near) : -1;
  };
  chart.addEventListener("pointermove", point);
  chart.addEventListener("pointerdown", point);
  chart.addEventListener("pointerleave", e => { if (e.pointerType == "mouse") leave(); });
  chart.setAttribute("tabindex", "0");
  chart.setAttribute("aria-description", "The arrow keys step through its values.");
  chart.addEventListener("blur", leave);
  chart.addEventListener("keydown", e => {
    const all = seen(), last = all.length - 1, step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[e.key];
    if (step) at = Math.max(0, Math.min(last, at + step));
    else if (e.key == "Home") at = 0;
    else if (e.key == "End") at = last;
    else return;
    e.preventDefault();
    if (all[at]) show(all[at], all);
  });
}

// show tells a mark's value, after those of other series at the same place.
function show(mark, all) {
  const line = (kind, text) => Object.assign(document.createElement(kind), {textContent: text});
  const also = all.filter(m => m.where == mark.where && Math.abs(m.x + m.w / 2 - mark.x - mark.w / 2) < 1);
  tip.replaceChildren(line("b", mark.where), ...also.map(m => line(m == mark ? "strong" : "span", m.what)));
  for (const [name, value] of Object.entries({x: mark.x, y: mark.y, width: mark.w, height: mark.h})) ring.setAttribute(name, value);
  mark.chart.append(ring);
  tip.hidden = false;
  const frame = mark.box.getBoundingClientRect(), width = document.documentElement.clientWidth;
  const left = Math.min(Math.max(8, frame.left + frame.width / 2 - tip.offsetWidth / 2), width - tip.offsetWidth - 8);
  const above = frame.top - tip.offsetHeight - 8;
  tip.style.left = left + scrollX + "px";
  tip.style.top = (above > 8 ? above : frame.bottom + 8) + scrollY + "px";
}

function leave() {
  tip.hidden = true;
  ring.remove();
}

// toggling makes the entries of a legend switches.
function toggling(legend) {
  const charts = (legend.closest("section") ?? legend.closest("figure")).querySelectorAll("svg[role=img]");
  for (const entry of legend.querySelectorAll("[data-s]")) {
    const key = document.createElement("button");
    key.type = "button";
    key.append(...entry.childNodes);
    key.setAttribute("aria-pressed", "true");
    key.addEventListener("click", () => {
      const hide = key.getAttribute("aria-pressed") == "true";
      key.setAttribute("aria-pressed", String(!hide));
      for (const chart of charts)
        for (const piece of chart.querySelectorAll(`[data-s="${entry.dataset.s}"]`)) piece.style.display = hide ? "none" : "";
      leave();
    });
    entry.append(key);
  }
}

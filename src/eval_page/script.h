// What makes the page answer. Nothing on it depends on this being run.
#ifndef PREFIQS_EVAL_PAGE_SCRIPT_H_
#define PREFIQS_EVAL_PAGE_SCRIPT_H_

#include <string_view>

namespace prefiqs::eval_page {

inline constexpr std::string_view kScript = R"script(
'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const words = text => text.split(' ').map(word => word.split('='));

  // Buttons choose a value of one or several groups; elements are shown where all that they name is chosen.
  const chosen = {};
  const isChosen = text => words(text).every(([group, value]) => chosen[group] === value);
  const choose = text => Object.assign(chosen, Object.fromEntries(words(text)));
  const show = () => {
    for (const e of all('[data-show]')) e.toggleAttribute('hidden', !isChosen(e.dataset.show));
    for (const b of all('[data-pick]')) b.setAttribute('aria-pressed', isChosen(b.dataset.pick));
  };
  for (const b of all('[data-pick]')) {
    if (b.getAttribute('aria-pressed') === 'true') choose(b.dataset.pick);
    b.addEventListener('click', () => { choose(b.dataset.pick); show(); });
  }
  show();

  for (const b of all('[data-toggle]')) {
    b.addEventListener('click', () => {
      const on = document.documentElement.classList.toggle(b.dataset.toggle);
      b.setAttribute('aria-pressed', !on);
    });
  }

  // Curves are read at steps: a line, a dot on each, and the numbers in the legend.
  const readings = JSON.parse(document.getElementById('readings')?.textContent ?? '[]');
  const said = (value, as) => value === null ? '–' : as(value);
  const hundredths = v => (100 * v).toFixed(2);
  const grouped = v => String(v).replace(/\B(?=(\d{3})+$)/g, '\u202f');
  const cells = r => [
    said(r[0], v => hundredths(v) + ' %'), said(r[1], low => hundredths(low) + ' to ' + hundredths(r[2])),
    said(r[3], v => v.toFixed(4)), said(r[4], v => String(Number(v.toPrecision(2)))), said(r[5], grouped), said(r[6], grouped)];
  const nothing = Array(6).fill('–');

  const mark = (chart, share, values) => {
    const [left, top, right, floor] = chart.dataset.box.split(' ').map(Number);
    const group = chart.querySelector('.reading'), x = left + (right - left) * share / chart.dataset.limit;
    group.replaceChildren();
    const add = (name, attributes) => {
      const e = document.createElementNS(chart.namespaceURI, name);
      for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
      group.append(e);
    };
    if (x > right + 1) return;
    add('path', {class: 'cursor', d: `M${x} ${top}V${floor}`});
    for (let method = values.length; method-- > 0;) {  // the first ones on top
      const value = values[method], off = chart.querySelector(`.line.m${method}`)?.classList.contains('off');
      if (value === null || off || value > chart.dataset.top) continue;
      add('circle', {class: `dot m${method}`, cx: x, cy: floor - (floor - top) * value / chart.dataset.top, r: 4.5});
    }
  };
  const read = (figure, step) => {
    const {steps, methods} = readings[figure.dataset.readings];
    figure.dataset.step = step;
    figure.querySelector('.at').textContent = Math.round(100 * step / steps) + ' %';
    methods.forEach((method, m) => {
      const row = figure.querySelector(`.legend tr.m${m}`);
      (method[step] ? cells(method[step]) : nothing).forEach((text, c) => { row.cells[c + 1].textContent = text; });
    });
    for (const chart of all('.chart', figure)) mark(chart, step / steps, methods.map(m => m[step] ? m[step][0] : null));
  };
  for (const figure of all('.panel')) {
    const steps = readings[figure.dataset.readings].steps;
    for (const chart of all('.chart', figure)) {
      const last = Math.min(steps - 1, Math.round(chart.dataset.limit * steps));
      const go = step => read(figure, Math.max(0, Math.min(last, step)));
      chart.addEventListener('pointermove', event => {
        const [left, , right] = chart.dataset.box.split(' ').map(Number), at = chart.getBoundingClientRect();
        const x = (event.clientX - at.left) * chart.viewBox.baseVal.width / at.width;
        go(Math.round((x - left) / (right - left) * chart.dataset.limit * steps));
      });
      chart.addEventListener('keydown', event => {
        const by = {ArrowLeft: -1, ArrowRight: 1}[event.key];
        if (!by) return;
        event.preventDefault();
        go(Number(figure.dataset.step ?? 0) + by);
      });
    }
    for (const row of all('.legend tbody tr', figure)) {
      const own = row.querySelector('button').dataset.method, drawn = all('.line, .band', figure);
      row.addEventListener('pointerenter',
                           () => drawn.forEach(e => e.classList.toggle('faint', !e.classList.contains('m' + own))));
      row.addEventListener('pointerleave', () => drawn.forEach(e => e.classList.remove('faint')));
    }
  }

  // Methods are hidden and shown everywhere at once.
  for (const b of all('[data-method]')) {
    b.addEventListener('click', () => {
      const own = b.dataset.method, off = b.getAttribute('aria-pressed') === 'true';
      for (const e of all(`.chart .m${own}, .legend tr.m${own}`)) e.classList.toggle('off', off);
      for (const other of all(`[data-method="${own}"]`)) other.setAttribute('aria-pressed', !off);
    });
  }
})();
)script";

}  // namespace prefiqs::eval_page

#endif  // PREFIQS_EVAL_PAGE_SCRIPT_H_

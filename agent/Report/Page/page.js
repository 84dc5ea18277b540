'use strict';

// The page is complete without this file. It traces a VM under the pointer or the focus, lets arrow keys walk over the
// CPUs, tells times by the reader's clock, and keeps the page current: on every event it fetches the page again and swaps <main>.

const RETRY_MILLISECONDS = 5000;
const WAITS_MILLISECONDS = 10000;

const page = {
  get main() { return document.querySelector('main'); },
  get cpus() { return [...document.querySelectorAll('.map .socket .cpu')]; },
};

// Tracing: what is pointed at goes before what has the focus.
let pointed = null;
let focused = null;

function trace() {
  const source = pointed ?? focused;
  const cpu = source?.closest('.cpu');
  const letters = source?.closest('[data-vm]')?.dataset.vm.trim().split(' ') ?? [];
  page.main.classList.toggle('tracing', letters.length > 0);
  for (const part of page.main.querySelectorAll('[data-vm]')) {
    const own = part.dataset.vm.trim().split(' ');
    part.classList.toggle('traced', own.some((letter) => letters.includes(letter)));
  }
  document.querySelector('.inspector').textContent =
    [cpu?.ariaLabel ?? cpu?.dataset.about, cpu?.title].filter(Boolean).join('; ');
}

function traceable(target) {
  return target instanceof Element ? target.closest('main .cpu, main [data-vm]') : null;
}

document.addEventListener('pointerover', (event) => {
  pointed = traceable(event.target);
  trace();
});
document.documentElement.addEventListener('pointerleave', () => {
  pointed = null;
  trace();
});
document.addEventListener('focusin', (event) => {
  focused = traceable(event.target);
  if (focused?.matches('.cpu')) {
    stopAt(focused);
  }
  trace();
});
document.addEventListener('focusout', () => {
  focused = null;
  trace();
});

// What happened, in words below the timeline: of the mark that is pointed at, or has the focus.
const marks = () => [...document.querySelectorAll('.timeline .mark')];

function tell(event) {
  const mark = event.target instanceof Element ? event.target.closest('.timeline .mark') : null;
  if (mark) {
    document.querySelector('.timeline .words').textContent = mark.getAttribute('aria-label');
  }
}

function markAt(mark) {
  for (const other of marks()) {
    other.setAttribute('tabindex', other === mark ? '0' : '-1');
  }
}

document.addEventListener('pointerover', tell);
document.addEventListener('focusin', (event) => {
  tell(event);
  if (event.target.matches('.mark')) {
    markAt(event.target);
  }
});
document.addEventListener('keydown', (event) => {
  if (!event.target.matches?.('.mark') || event.altKey || event.ctrlKey || event.metaKey) {
    return;
  }
  const all = marks();
  const at = all.indexOf(event.target);
  const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (all[next]) {
    event.preventDefault();
    all[next].focus();
  }
});

// Times are the reader's, with their zone named; without this file they are UTC, and a pointer over them says so.
const two = (number) => `${number}`.padStart(2, '0');

function zone(date) {
  const minutes = -date.getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${two(rest)}`}`;
}

const day = (date) => `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
const minute = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;
const full = (date) => Number.isNaN(date.getTime()) ? '?' : `${date.getFullYear()}-${day(date)} ${minute(date)}:${two(date.getSeconds())} ${zone(date)}`;

function localText(text) {
  return text.replace(
    /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/g,
    (_, date, time) => full(new Date(`${date}T${time}Z`)),
  );
}

function localize(main) {
  for (const time of main.querySelectorAll('time:not(.axis time)')) {
    time.title = time.textContent;
    time.textContent = full(new Date(time.dateTime));
  }
  const ticks = [...main.querySelectorAll('.axis time')];
  const dates = ticks.map((tick) => new Date(tick.dateTime));
  for (const [at, tick] of ticks.entries()) {
    const date = dates[at];
    tick.title = tick.dateTime;
    tick.textContent = at === 0 ? `${day(date)} ${minute(date)} ${zone(date)}`
      : at === ticks.length - 1 && day(date) !== day(dates[0]) ? `${day(date)} ${minute(date)}`
      : minute(date);
  }
  for (const mark of main.querySelectorAll('.timeline .mark')) {
    const words = localText(mark.getAttribute('aria-label'));
    mark.setAttribute('aria-label', words);
    mark.querySelector('title').textContent = words;
  }
}

// The map is one stop of the Tab key; arrow keys walk from CPU to CPU as they are seen.
function stopAt(cpu) {
  for (const other of page.cpus) {
    other.tabIndex = other === cpu ? 0 : -1;
  }
}

function neighbour(cpu, key) {
  const cpus = page.cpus;
  const at = cpus.indexOf(cpu);
  switch (key) {
    case 'ArrowRight': return cpus[at + 1];
    case 'ArrowLeft': return cpus[at - 1];
    case 'Home': return cpus[0];
    case 'End': return cpus.at(-1);
    case 'ArrowDown': return nearest(cpu, cpus, 1);
    case 'ArrowUp': return nearest(cpu, cpus, -1);
    default: return undefined;
  }
}

// Of the CPUs in the next row, the one that is closest to the same column.
function nearest(cpu, cpus, direction) {
  const from = cpu.getBoundingClientRect();
  let best;
  let least = Infinity;
  for (const other of cpus) {
    const to = other.getBoundingClientRect();
    const down = (to.top - from.top) * direction;
    const distance = down * 1000 + Math.abs(to.left - from.left);
    if (down > 1 && distance < least) {
      [best, least] = [other, distance];
    }
  }
  return best;
}

document.addEventListener('keydown', (event) => {
  const cpu = event.target instanceof Element ? event.target.closest('.map .socket .cpu') : null;
  if (cpu && !event.altKey && !event.ctrlKey && !event.metaKey) {
    const next = neighbour(cpu, event.key);
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }
});

// Keeping current.
const live = document.querySelector('.live');
let shown = '';
let title = '';
let subject = document.title;
let content = page.main.outerHTML;
let tag = null;
let isFetching = false;
let isStale = false;

function clock() {
  return new Date().toLocaleTimeString([], { hour12: false });
}

function setLive(isLive) {
  const state = isLive ? 'live' : 'lost';
  live.hidden = false;
  if (live.dataset.state !== state) {
    live.dataset.state = state;
    live.textContent = isLive ? 'live' : `connection lost since ${clock()}`;
    // A page that is kept in a tab says so there too.
    document.body.classList.toggle('gone', !isLive);
    title = isLive ? '' : `No agent since ${clock()} – `;
    document.title = title + subject;
  }
}

function announce() {
  const sentence = document.querySelector('.verdict .sentence').textContent;
  if (sentence !== shown) {
    // What is there at the start, a screen reader reads anyway.
    document.querySelector('.announcement').textContent = shown === '' ? '' : sentence;
    shown = sentence;
  }
}

window.addEventListener('hashchange', () => document.querySelector('.target')?.classList.remove('target'));

// What the reader has opened, focused and scrolled to stays so.
function swap(next) {
  const focus = document.activeElement?.closest('main [id]');
  const isSummary = document.activeElement?.matches('summary');
  const stop = document.querySelector('.map .cpu[tabindex="0"]')?.id;
  const { scrollX, scrollY } = window;
  const chosen = page.main.querySelector('.switch input:checked')?.id;
  const choice = chosen && next.querySelector(`#${chosen}`);
  if (choice) {
    choice.checked = true;
  }
  for (const details of page.main.querySelectorAll('details[open]')) {
    next.querySelector(`#${details.id}`)?.setAttribute('open', '');
  }
  const wasPointed = pointed?.id;
  localize(next);
  page.main.replaceWith(next);
  pointed = wasPointed ? document.getElementById(wasPointed) : null;
  focused = null;
  stopAt(document.getElementById(stop) ?? page.cpus[0]);
  markAt(marks().at(-1));
  if (focus) {
    const again = document.getElementById(focus.id);
    (isSummary ? again?.querySelector('summary') : again)?.focus({ preventScroll: true });
  }
  window.scrollTo(scrollX, scrollY);
  // The browser takes no element that came later for the address' target.
  document.getElementById(window.location.hash.slice(1))?.classList.add('target');
  trace();
  announce();
}

async function refresh() {
  if (isFetching) {
    isStale = true;
    return;
  }
  isFetching = true;
  try {
    do {
      isStale = false;
      // A page that looks as before isn't sent again.
      const answer = await fetch('/', { cache: 'no-store', headers: tag ? { 'If-None-Match': tag } : {} });
      if (answer.status === 304) {
        continue;
      }
      if (!answer.ok) {
        throw new Error(`GET /: expected 200, found ${answer.status}`);
      }
      tag = answer.headers.get('ETag');
      const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const main = next.querySelector('main');
      if (main.outerHTML !== content) {
        content = main.outerHTML;
        subject = next.title;
        document.title = title + subject;
        swap(main);
      }
    } while (isStale);
    setLive(true);
  } catch {
    setLive(false);
  } finally {
    isFetching = false;
  }
}

function follow() {
  const events = new EventSource('/api/v1/events');
  events.addEventListener('open', refresh);
  events.addEventListener('message', refresh);
  events.addEventListener('error', () => {
    setLive(false);
    // The browser tries again by itself unless the answer was no stream of events.
    if (events.readyState === EventSource.CLOSED) {
      setTimeout(follow, RETRY_MILLISECONDS);
    }
  });
}

// Waits are no event: they are other ones each time.
setInterval(() => {
  if (document.visibilityState === 'visible' && 'moves' in page.main.dataset && live.dataset.state === 'live') {
    refresh();
  }
}, WAITS_MILLISECONDS);

document.body.classList.add('scripted');
localize(page.main);
stopAt(page.cpus[0]);
markAt(marks().at(-1));
announce();
follow();

// A reading program on top of epub.js, and what is wrong with the page that it shows.

const THEMES = {
  // Nothing but ground and ink, as simple reading programs set them.
  light: { body: { background: '#ffffff', color: '#1a1a1a' } },
  sepia: { body: { background: '#f4ecd8', color: '#5b4636' } },
  dark: { body: { background: '#000000', color: '#c8c8c8' } },
};
let book, rendition;

async function openBook(theme) {
  book = ePub('/book.epub');
  const size = { width: innerWidth, height: innerHeight };
  rendition = book.renderTo('area', { ...size, flow: 'paginated', spread: 'none' });
  for (const [name, rules] of Object.entries(THEMES)) rendition.themes.register(name, rules);
  rendition.themes.select(theme);
  await rendition.display();
  return book.spine.spineItems.map(item => item.href);
}

// Put one theme in the place of another. The program itself leaves the rules of the old one.
function select(theme) {
  for (const name of Object.keys(THEMES)) {
    page().getElementById(`epubjs-inserted-css-${name}`)?.remove();
  }
  rendition.themes.select(theme);
}

const page = () => rendition.getContents()[0].document;

async function settle() {
  const pictures = [...page().images].map(image => image.decode());
  await Promise.allSettled([...pictures, page().fonts.ready]);
}

// For each selector, the first document that has what it selects.
async function find(selectors) {
  const found = {};
  for (const item of book.spine.spineItems) {
    const root = await item.load(book.load.bind(book));
    for (const selector of selectors) {
      if (!(selector in found) && root.querySelector(selector)) found[selector] = item.href;
    }
  }
  return found;
}

// Turn to a document, or to the widest of some elements in it.
async function show(path, selector) {
  await rendition.display(path);
  await settle();
  if (!selector) return;
  const widest = [...page().querySelectorAll(selector)]
    .reduce((a, b) => b.scrollWidth > a.scrollWidth ? b : a);
  await rendition.display(rendition.getContents()[0].cfiFromNode(widest));
  await settle();
}

function unfold() {
  for (const details of page().querySelectorAll('details')) details.open = true;
}

function add(xhtml) {
  page().body.insertAdjacentHTML('beforeend', xhtml);
  return settle();
}

function boxOnScreen(box) {
  const frame = document.querySelector('iframe').getBoundingClientRect();
  return { left: box.left + frame.left, top: box.top + frame.top,
    right: box.right + frame.left, bottom: box.bottom + frame.top };
}

function isWhole({ left, top, right, bottom }) {
  return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight;
}

// Of what is broken over pages, the beginning.
const isOnScreen = selector =>
  isWhole(boxOnScreen(page().querySelector(selector).getClientRects()[0]));

// Click on a link; whether the page turned to its aim, within ten seconds.
async function follow(selector, aim) {
  page().querySelector(selector).click();
  for (let tries = 0; tries < 100 && !isOnScreen(aim); tries++) {
    await new Promise(done => setTimeout(done, 100));
  }
  return isOnScreen(aim);
}

// The formulas and figures that are whole on the screen: name and place.
function boxesOnScreen() {
  return [...page().querySelectorAll('math, img')]
    .map(element => [element.getAttribute('alttext') || element.alt,
      boxOnScreen(element.getBoundingClientRect())])
    .filter(([, box]) => isWhole(box) && box.right - box.left > 2)
    .map(([name, box]) => [name, Math.floor(box.left), Math.floor(box.top),
      Math.ceil(box.right), Math.ceil(box.bottom)]);
}

const sentence = (what, where, value) => `${what}: ${value} at ${where.outerHTML.slice(0, 120)}`;
const isShown = element => element.checkVisibility({ visibilityProperty: true });

function shownTexts() {
  const walker = page().createTreeWalker(page().body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.data.trim() && isShown(node.parentElement)) texts.push(node);
  }
  return texts;
}

// What cannot be read in the theme.
function colourFaults() {
  const LEAST_CONTRAST = 4.5;
  const wrong = [];
  for (const element of new Set(shownTexts().map(node => node.parentElement))) {
    const ratio = inkContrast(element);
    if (ratio < LEAST_CONTRAST) wrong.push(sentence('contrast', element, ratio.toFixed(2)));
  }
  for (const element of page().images) {
    const ratio = element.matches('.cover img') ? 21 : contrast([0, 0, 0], ground(element));
    if (ratio < LEAST_CONTRAST) {
      wrong.push(sentence('picture', element, `black lines on ${ground(element)}`));
    }
  }
  return wrong;
}

// What is wrong whatever the theme.
function pageFaults() {
  const doc = page();
  const wrong = [];
  const say = (...words) => wrong.push(sentence(...words));
  const all = selector => [...doc.body.querySelectorAll(selector)];
  const style = element => doc.defaultView.getComputedStyle(element);

  // -- places: every line within its column ------------------------------------------------------

  const { width, gap } = rendition.manager.layout;
  const scroller = element => {
    for (let at = element; at && at !== doc.body; at = at.parentElement) {
      if (['auto', 'scroll'].includes(style(at).overflowX)) return at;
    }
    return null;
  };
  const isOutside = box => {
    const left = Math.floor((box.left + box.width / 2) / width) * width;
    return box.width && (box.left < left + gap / 2 - 1 || box.right > left + width - gap / 2 + 1);
  };
  const boxes = node => {
    const range = doc.createRange();
    range.selectNodeContents(node);
    return [...range.getClientRects()];
  };
  // Spaces at the end of a line of code hang over the edge.
  const wordBoxes = node => [...node.data.matchAll(/\S+/g)].flatMap(word => {
    const range = doc.createRange();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    return [...range.getClientRects()];
  });
  for (const node of shownTexts()) {
    if (scroller(node.parentElement)) continue;
    const outside = wordBoxes(node).find(isOutside);
    if (outside) say('overflow', node.parentElement, `${outside.left} to ${outside.right}`);
  }
  for (const element of all('img, table, pre, figure, div, math')) {
    const inner = scroller(element.parentElement);
    const outside = !inner && [...element.getClientRects()].find(isOutside);
    if (outside) say('overflow', element, `${outside.left} to ${outside.right}`);
  }
  for (const element of all('pre')) {
    if (element.scrollWidth > element.clientWidth + 1) say('code does not wrap', element, element.scrollWidth);
  }
  for (const box of all('.math-display, .math-inline.long')) {
    const { top, bottom } = box.getBoundingClientRect();
    for (const element of box.querySelectorAll('*')) {
      const inner = element.getBoundingClientRect();
      if (inner.top < top - 1 || inner.bottom > bottom + 1) say('cut off', element, box.outerHTML);
    }
  }
  for (const element of all('img, math, div.table, .scroll')) {
    if (element.getBoundingClientRect().height > innerHeight) say('higher than a page', element, '');
  }
  for (const element of all('img')) {
    if (!element.naturalWidth) say('picture', element, 'not loaded');
  }

  // -- Chinese: indents, and what stays on one line ------------------------------------------------

  for (const element of all('.answer > p, .matter > p, .abstract > p, .brief > p')) {
    const ems = parseFloat(style(element).textIndent) / parseFloat(style(element).fontSize);
    const wanted = element.parentElement.matches('.brief') ? 0 : 2;
    if (Math.abs(ems - wanted) > 0.05) say('indent', element, `${ems} em`);
  }
  const flush = 'figure, figcaption, table, th, td, pre, .math-display, dt, dd, '
    + 'li:not(.outline li, .references li), li > p, h1, h2, h3, summary, .footnote p, .meta';
  for (const element of all(flush)) {
    if (parseFloat(style(element).textIndent)) say('indent', element, style(element).textIndent);
  }
  const lines = element => new Set(boxes(element).map(box => `${Math.round(box.bottom / 4)}`)).size;
  for (const element of all('.citation, .noteref, a.xref, .label')) {
    const words = element.textContent;
    const isOne = element.matches('.citation, .noteref') || /^(图|表|第)\u00a0\d/.test(words);
    if (isOne && lines(element) > 1) say('broken', element, words);
  }
  for (const element of all('.citation, .noteref')) {
    const before = element.previousSibling || element.parentElement.previousSibling;
    if (!before?.textContent.trim()) continue;
    const above = boxes(before).at(-1);
    const [mark] = boxes(element);
    if (mark.bottom - above.bottom > 8 || mark.right < above.left) {
      say('begins a line', element, element.textContent);
    }
  }

  // -- footnotes -----------------------------------------------------------------------------------

  for (const call of all('a.noteref')) {
    const note = doc.getElementById(call.getAttribute('href').slice(1));
    if (!note?.matches('aside[role=doc-footnote]') || !isShown(note)) {
      say('footnote', call, 'leads to no aside');
      continue;
    }
    const back = note.querySelector('a[role=doc-backlink]');
    const home = back && doc.getElementById(back.getAttribute('href').slice(1));
    if (home?.textContent !== call.textContent) say('footnote', note, 'leads back elsewhere');
    if (note.textContent.trim().length < 4) say('footnote', note, 'is empty');
  }
  return wrong;
}

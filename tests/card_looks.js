// What is wrong with the looks of the card in Anki's reviewer, as a list of sentences.
// Every check is of what the browser computed, so that it holds for any style sheet.
(() => {
  const LEAST_CONTRAST = 4.5;
  const LEAST_TEXT = 16;
  const LEAST_TARGET = 44;
  const card = document.getElementById('qa');
  const wrong = [];
  const say = (what, where, value) => wrong.push(`${what}: ${value} at ${where.outerHTML.slice(0, 90)}`);
  const unseen = 'style, script, mjx-assistive-mml, mjx-assistive-mml *';
  const elements = [...card.querySelectorAll('*')].filter(element => !element.matches(unseen));
  const isShown = element =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const inMath = element => element.closest('mjx-container');

  const checkInk = (element, pseudo) => {
    const ratio = inkContrast(element, pseudo);
    if (ratio < LEAST_CONTRAST) say('contrast', element, `${pseudo || ''} ${ratio.toFixed(2)}`);
  };

  // -- text ----------------------------------------------------------------------------------

  const walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const words = walker.currentNode.data.trim();
    if (!words || element.matches(unseen)) continue;
    if (!isShown(element)) {
      if (getComputedStyle(element).display !== 'none') say('hidden', element, words);
      continue;
    }
    texts.push([element, words]);
  }
  for (const element of new Set(texts.map(([element]) => element))) {
    checkInk(element);
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < LEAST_TEXT && !inMath(element)) say('small text', element, size);
  }
  for (const [element, words] of texts) {
    const language = element.closest('[lang]')?.lang;
    if (/\p{Script=Han}/u.test(words) && language !== 'zh-CN') say('language', element, language);
  }
  for (const element of elements.filter(isShown)) {
    if (element.matches('mjx-c, mjx-mtext, mjx-line')) checkInk(element);
    for (const pseudo of ['::before', '::after']) {
      const { content } = getComputedStyle(element, pseudo);
      if (!inMath(element) && !['none', 'normal', '""'].includes(content)) checkInk(element, pseudo);
    }
    if (getComputedStyle(element).display === 'list-item') checkInk(element, '::marker');
  }

  // -- places --------------------------------------------------------------------------------

  const width = document.documentElement.clientWidth;
  const scrolls = element => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
  const isInScroller = element => {
    for (let at = element.parentElement; at && at !== card; at = at.parentElement) {
      if (scrolls(at)) return true;
    }
    return false;
  };
  if (document.documentElement.scrollWidth > width) {
    wrong.push(`overflow: the page scrolls to ${document.documentElement.scrollWidth}`);
  }
  for (const element of elements) {
    const { left, right } = element.getBoundingClientRect();
    if ((left < -0.5 || right > width + 0.5) && !isInScroller(element)) {
      say('overflow', element, `${left} to ${right}`);
    }
  }
  for (const box of elements.filter(element => getComputedStyle(element).overflowY === 'hidden')) {
    const { top, bottom } = box.getBoundingClientRect();
    for (const element of elements.filter(element => box.contains(element) && isShown(element))) {
      const inner = element.getBoundingClientRect();
      if (inner.top < top - 1 || inner.bottom > bottom + 1) say('cut off', element, inner.bottom);
    }
  }
  for (const element of card.querySelectorAll('summary, .tappable, button')) {
    const box = element.getBoundingClientRect();
    if (Math.min(box.width, box.height) < LEAST_TARGET) {
      say('tap target', element, `${box.width} × ${box.height}`);
    }
  }

  // -- formulas and figures ------------------------------------------------------------------

  const errors = 'mjx-merror, [data-mjx-error], mjx-mtext[style*="color: red"]';
  for (const element of card.querySelectorAll(errors)) say('formula', element, element.innerText);
  for (const element of card.querySelectorAll('mjx-container')) {
    if (!isShown(element)) say('formula', element, 'not shown');
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < LEAST_TEXT) say('small text', element, size);
  }
  for (const element of card.querySelectorAll('img')) {
    if (!element.naturalWidth) say('figure', element, 'not loaded');
    const shape = element.naturalWidth / element.naturalHeight;
    const style = getComputedStyle(element);
    const inner = side => parseFloat(style[side]) - (style.boxSizing === 'border-box'
      ? parseFloat(style.padding) * 2 : 0);
    if (Math.abs(inner('width') / inner('height') / shape - 1) > 0.02) {
      say('figure', element, 'distorted');
    }
    const black = contrast([0, 0, 0], ground(element));
    if (black < LEAST_CONTRAST) say('figure', element, `black lines on ${ground(element)}`);
  }
  return wrong;
})();

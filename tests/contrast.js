// The contrast of what the browser shows, by WCAG 2.2. Goes before a script that looks.

function parseColour(colour) {
  const parts = colour.match(/^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/);
  if (!parts) throw new Error(`an unknown notation of a colour: ${colour}`);
  return parts.slice(1).map(part => part === undefined ? 1 : Number(part));
}

function over([r, g, b, a], below) {
  return [r, g, b].map((c, i) => c * a + below[i] * (1 - a));
}

function luminance(colour) {
  return colour
    .map(channel => channel / 255)
    .map(channel => channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4)
    .reduce((sum, channel, i) => sum + channel * [0.2126, 0.7152, 0.0722][i], 0);
}

function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function ground(element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const layer = parseColour(getComputedStyle(at).backgroundColor);
    layers.push(layer);
    if (layer[3] === 1) break;
  }
  return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255]);
}

function inkContrast(element, pseudo) {
  const [r, g, b, a] = parseColour(getComputedStyle(element, pseudo).color);
  let opacity = a;
  for (let at = element; at; at = at.parentElement) opacity *= getComputedStyle(at).opacity;
  const below = ground(element);
  return contrast(over([r, g, b, opacity], below), below);
}

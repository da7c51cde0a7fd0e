// Runs inside V8 after MathJax's components: TeX in, SVG and MathML out.
// Every formula gets an input jax of its own (2-3 ms), because \def, \newcommand, \label, \definecolor
// and \DeclareMathOperator write into it: nothing may leak from one formula into the next.
"use strict";

const studyguide = (() => {
  const { mathjax } = MathJax._.mathjax;
  const { TeX } = MathJax._.input.tex_ts;
  const { SVG } = MathJax._.output.svg_ts;
  const { TeXFont } = MathJax._.output.svg.fonts.tex_ts;
  const { AllPackages } = MathJax._.input.tex.AllPackages;
  const { SerializedMmlVisitor } = MathJax._.core.MmlTree.SerializedMmlVisitor;
  const { TEXCLASS } = MathJax._.core.MmlTree.MmlNode;
  const TexError = MathJax._.input.tex.TexError.default;

  // Anki loads tex-chtml-full.js (AllPackages and `require`) without `textmacros`. Left out on top of
  // that: packages that hide errors, that reach outside the formula (html, require, unicode), or that
  // need a pointer to click with (action). What passes here is thus a subset of what Anki typesets.
  const LEFT_OUT = ["action", "html", "noerrors", "noundefined", "textmacros", "unicode"];
  const PACKAGES = AllPackages.filter((name) => !LEFT_OUT.includes(name));

  // With ex = x-height × em, text that is not in the math font (中文) is set at 1000 units an em;
  // MathJax's default of 0.5 em would shrink it to 884.
  const EM = 16;
  const X_HEIGHT = 0.442;
  // The line that percentages (multline, flalign) refer to, in em: the text width of an A5 page.
  const LINE_WIDTH = 30;
  const TAG_DISTANCE = "2em";
  // Levels of MathML; textbook formulas have about twenty. Python walks the markup recursively.
  const DEEPEST = 100;
  // Rows whose operators are those of the formula itself; a coloured one stays whole.
  const ROWS = ["math", "mrow", "inferredMrow", "mstyle"];
  const PAINT = ["mathcolor", "mathbackground"];
  const SIGNS = { [TEXCLASS.REL]: "relation", [TEXCLASS.BIN]: "operator" };
  const TOO_DEEP = "The formula is nested too deeply";

  const adaptor = MathJax._.adaptors.liteAdaptor.liteAdaptor({ fontSize: EM });
  MathJax._.handlers.html_ts.RegisterHTMLHandler(adaptor);
  const visitor = new SerializedMmlVisitor();

  class Refused extends Error {}

  function newDocument() {
    return mathjax.document("", {
      InputJax: new TeX({
        packages: PACKAGES,
        formatError: (jax, error) => {
          throw error;
        },
      }),
      OutputJax: new SVG({ fontCache: "none", font: new TeXFont() }),
    });
  }

  function textOf(node) {
    return node.isKind("text") ? node.getText() : (node.childNodes || []).map(textOf).join("");
  }

  function depth(node) {
    let levels = 0;
    for (let above = node; above; above = above.parent) levels++;
    return levels;
  }

  function refuse(node) {
    if (depth(node) > DEEPEST) throw new Refused(TOO_DEEP);
    if (node.isKind("merror")) {
      throw new Refused(textOf(node) || "MathJax reports an error");
    }
    if (node.attributes && node.attributes.getExplicit("href") !== undefined) {
      throw new Refused("Links and references (\\ref, \\eqref) do not work inside a formula");
    }
  }

  // A list-valued attribute of an <mtable>, repeated to `length` entries as MathML prescribes.
  function columns(table, name, length) {
    const values = String(table.attributes.get(name)).trim().split(/\s+/);
    return Array.from({ length }, (_, i) => values[Math.min(i, values.length - 1)]);
  }

  // \tag makes MathJax an <mlabeledtr> that it sets as wide as the page, which an image has no notion
  // of, and that MathML Core dropped: the label becomes an ordinary last column.
  function labelsToColumn(table, factory) {
    const rows = table.childNodes;
    if (!rows.some((row) => row.isKind("mlabeledtr"))) return;
    const cells = (row) => row.childNodes.slice(row.isKind("mlabeledtr") ? 1 : 0);
    const count = Math.max(...rows.map((row) => cells(row).length));
    for (const row of [...rows]) {
      if (!row.isKind("mlabeledtr")) continue;
      const filled = cells(row);
      while (filled.length < count) filled.push(factory.create("mtd"));
      const plain = factory.create("mtr", {}, [...filled, row.childNodes[0]]);
      table.replaceChild(plain, row);
    }
    const align = columns(table, "columnalign", count);
    const space = count > 1 ? columns(table, "columnspacing", count - 1) : [];
    table.attributes.set("columnalign", [...align, "right"].join(" "));
    table.attributes.set("columnspacing", [...space, TAG_DISTANCE].join(" "));
  }

  function percentToEm(node) {
    const width = node.attributes.getExplicit("width");
    if (typeof width === "string" && width.endsWith("%")) {
      node.attributes.set("width", (parseFloat(width) / 100) * LINE_WIDTH + "em");
    }
  }

  function prepare(root, document, display) {
    const tables = [];
    root.walkTree((node) => {
      refuse(node);
      if (node.isKind("mtable")) tables.push(node);
    });
    for (const table of tables) {
      labelsToColumn(table, document.mmlFactory);
      percentToEm(table);
    }
    if (tables.length) root.setInheritedAttributes({}, display, 0, false);
  }

  function isRow(node) {
    const isPlain = !PAINT.some((name) => node.attributes?.getExplicit(name) !== undefined);
    return isPlain && ROWS.some((kind) => node.isKind(kind));
  }

  // Marks the operators behind which a formula within a line may be broken: relations and binary
  // ones that no bracket encloses (GB 3102.11—93, 1.4: the break follows the sign, which is not
  // repeated). MathJax passes data-* attributes on to the SVG.
  function markBreaks(root) {
    root.setTeXclass(null);
    let row = root;
    while (isRow(row) && row.childNodes.length === 1) row = row.childNodes[0];
    if (!isRow(row)) return;
    let depth = 0;
    let within = false;
    row.childNodes.forEach((node, index) => {
      if (node.texClass === TEXCLASS.OPEN) depth++;
      if (node.texClass === TEXCLASS.CLOSE) depth--;
      const isBar = node.texClass === TEXCLASS.ORD && /^[|‖∣∥]$/.test(textOf(node));
      if (depth === 0 && isBar) within = !within;
      const next = row.childNodes[index + 1];
      const sign = SIGNS[node.texClass];
      if (sign && next && !SIGNS[next.texClass] && index > 0 && depth === 0 && !within) {
        node.attributes.set("data-break", sign);
      }
    });
  }

  // Returns {svg, mathml}; or {refused: why} where TeX is at fault; or {broken: why} where MathJax
  // itself stumbled and its state is not to be trusted any more.
  function typeset(tex, display) {
    try {
      const document = newDocument();
      const math = new document.options.MathItem(tex, document.inputJax[0], display);
      math.setMetrics(EM, EM * X_HEIGHT, EM * LINE_WIDTH, 1e6, 1);
      math.compile(document);
      prepare(math.root, document, display);
      const mathml = visitor.visitTree(math.root);
      if (!display) markBreaks(math.root);
      math.typeset(document);
      return { svg: adaptor.innerHTML(math.typesetRoot), mathml };
    } catch (error) {
      const message = String((error && error.message) || error);
      if (error instanceof TexError || error instanceof Refused) return { refused: message };
      if (error instanceof RangeError) return { broken: TOO_DEEP };
      return { broken: "MathJax failed: " + message };
    }
  }

  return { typeset, version: mathjax.version };
})();

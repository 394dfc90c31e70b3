"use strict";
// Draws the charts of a page. A chart is <div class="chart"> around its figure as JSON; the colours
// of the theme are put in here, so that a chart follows the light or dark of the page.

const Figures = (() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const SCALES = {
    right: { false: [[0, "#eef4fc"], [1, "#6fa3e3"]], true: [[0, "#1b2633"], [1, "#2f6cb5"]] },
    wrong: { false: [[0, "#ffffff"], [1, "#ee7d3b"]], true: [[0, "#171b21"], [1, "#c25a1c"]] },
  };
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  function merged(base, own) {
    const result = { ...base };
    for (const [key, value] of Object.entries(own)) {
      result[key] = isObject(value) && isObject(result[key]) ? merged(result[key], value) : value;
    }
    return result;
  }

  function layout(div, own) {
    const style = getComputedStyle(document.documentElement);
    // A custom property is only resolved where it is used.
    const colour = (name) => {
      div.style.setProperty("outline-color", `var(${name})`);
      return getComputedStyle(div).outlineColor;
    };
    const axis = {
      gridcolor: colour("--grid"), linecolor: colour("--line"), showline: true, zeroline: false,
      automargin: true, exponentformat: "e", minexponent: 5, separatethousands: true, fixedrange: innerWidth < 640, title: { standoff: 6, font: { size: 11.5 } },
    };
    const base = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: style.fontFamily, size: 11.5, color: colour("--muted") },
      margin: { l: 44, r: 12, t: 14, b: 34 },
      xaxis: axis, yaxis: axis, hovermode: "closest", hoverdistance: 24,
      // A finger that scrolls the page must not zoom a chart.
      dragmode: innerWidth < 640 ? false : "zoom",
      hoverlabel: {
        bgcolor: colour("--panel"), bordercolor: colour("--line"), align: "left",
        font: { color: colour("--ink"), family: style.fontFamily }, namelength: 60,
      },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      uirevision: "kept", autosize: true,
    };
    const result = merged(base, own);
    for (const note of result.annotations ?? []) {
      if (note.bgcolor) note.bgcolor = colour("--panel");
    }
    for (const shape of result.shapes ?? []) shape.line.color = colour("--muted");
    return result;
  }

  // Parallel coordinates are lines over one place an axis; those of one shade share a trace.
  function parallel(spec, kept, focus) {
    const width = spec.axes.length;
    const groups = spec.colours.map(() => []);
    const faded = [];
    spec.lines.forEach((line, i) => {
      const passes = Object.entries(kept).every(([a, [lo, hi]]) => line.y[a] >= lo && line.y[a] <= hi);
      (passes ? groups[line.bin] : faded).push(i);
    });
    const trace = (indices, colour, lineWidth, opacity) => ({
      type: "scatter", mode: "lines+markers", opacity, marker: { size: 4, color: colour },
      line: { color: colour, width: lineWidth, shape: "spline", smoothing: 0.7 },
      x: indices.flatMap(() => [...Array(width).keys(), null]),
      y: indices.flatMap((i) => [...spec.lines[i].y, null]),
      customdata: indices.flatMap((i) => Array(width + 1).fill(i)),
      text: indices.flatMap((i) => {
        const { name, said } = spec.lines[i];
        const rows = said.map((value, a) => `${spec.axes[a].title}: ${value}`);
        return Array(width + 1).fill([`<b>${name}</b>`, ...rows].join("<br>"));
      }),
      hovertemplate: "%{text}<extra></extra>",
    });
    const data = [{ ...trace(faded, "#8a94a355", 1, 0.6), hoverinfo: "skip", hovertemplate: null }];
    const opacity = spec.lines.length > 200 ? 0.35 : 0.9;
    groups.forEach((indices, bin) => data.push(trace(indices, spec.colours[bin], 1.7, opacity)));
    data.push({ ...trace(focus === null ? [] : [focus], "#8a94a3", 4.5, 1), hoverinfo: "skip", hovertemplate: null });
    if (focus !== null) data.at(-1).line.color = spec.colours[spec.lines[focus].bin];
    const axes = [...Array(width).keys()];
    const bars = Object.entries(kept).map(([a, [lo, hi]]) => (
      { type: "line", x0: +a, x1: +a, y0: lo, y1: hi, line: { width: 7 }, opacity: 0.5 }));
    return {
      data,
      layout: {
        showlegend: false, dragmode: innerWidth < 640 ? false : "select", selectdirection: "v",
        selections: [], selectionrevision: JSON.stringify(kept),
        margin: { l: 56, r: 48, t: 40, b: 14 },
        xaxis: {
          range: [-0.25, width - 0.6], tickvals: axes, ticktext: spec.axes.map((a) => a.title),
          side: "top", showgrid: false, showline: false, fixedrange: true, ticks: "",
        },
        yaxis: { visible: false, range: [-0.06, 1.06], fixedrange: true },
        shapes: [...axes.map((a) => (
          { type: "line", x0: a, x1: a, y0: 0, y1: 1, layer: "below", line: { width: 1 } })), ...bars],
        annotations: spec.axes.flatMap((axis, a) => axis.ticks.map(([y, text]) => (
          { x: a, y, text, showarrow: false, xanchor: "right", xshift: -7, font: { size: 10.5 }, bgcolor: "panel", borderpad: 1 }))),
      },
    };
  }

  function build(div) {
    const figure = JSON.parse(div.dataset.figure);
    if (figure.parallel) {
      div.style.minWidth = `${figure.parallel.axes.length * 92}px`;
      const drawn = parallel(figure.parallel, div.kept ?? {}, div.focused ?? null);
      return { data: drawn.data, layout: layout(div, drawn.layout) };
    }
    for (const trace of figure.data) {
      if (trace.type === "heatmap") trace.colorscale = SCALES[trace.meta.scale][dark.matches];
    }
    return { data: figure.data, layout: layout(div, figure.layout) };
  }

  async function draw(div) {
    const { data, layout: drawn } = build(div);
    const first = !div.drawn;
    div.drawn = true;
    if (first) div.textContent = "";
    await Plotly.react(div, data, drawn, {
      responsive: true, displaylogo: false, displayModeBar: innerWidth >= 640 && matchMedia("(hover: hover)").matches ? "hover" : false,
      modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
    });
    if (first) listen(div);
  }

  function listen(div) {
    const lines = () => JSON.parse(div.dataset.figure).parallel?.lines;
    div.on("plotly_click", ({ points: [point] }) => {
      const own = lines();
      const url = own ? own[point.customdata].url : point.data.meta?.url ?? (point.data.meta?.urls && point.customdata);
      if (url) location.assign(url);
    });
    if (!lines()) return;
    const again = (change) => { Object.assign(div, change); draw(div); };
    div.on("plotly_hover", ({ points: [point] }) => {
      if (div.focused !== point.customdata) again({ focused: point.customdata });
    });
    div.addEventListener("mouseleave", () => again({ focused: null }));
    let from = 0;
    div.addEventListener("pointerdown", (event) => {
      from = event.clientX - div.getBoundingClientRect().left;
    }, true);
    div.on("plotly_selected", (event) => {
      if (!event?.range) return;
      const { xaxis } = div._fullLayout;
      const last = JSON.parse(div.dataset.figure).parallel.axes.length - 1;
      const nearest = Math.round(xaxis.p2c(from - xaxis._offset));
      const axis = Math.min(last, Math.max(0, nearest));
      again({ kept: { ...div.kept, [axis]: event.range.y } });
    });
    for (const event of ["plotly_doubleclick", "plotly_deselect"]) {
      div.on(event, () => again({ kept: {} }));
    }
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "300px" });

  // Takes a chart's figure out of its script element; draws it once it comes into view.
  function adopt(div) {
    const text = div.querySelector('script[type="application/json"]')?.textContent.trim() ?? "null";
    div.dataset.figure = text;
    if (text === "null") div.textContent = "Nothing logged yet.";
    else seen.observe(div);
  }

  function update(div, text) {
    if (div.dataset.figure === text) return;
    div.dataset.figure = text;
    if (text === "null") return;
    if (div.drawn) draw(div);
    else seen.observe(div);
  }

  dark.addEventListener("change", () => document.querySelectorAll(".chart").forEach((div) => {
    if (div.drawn) draw(div);
  }));

  return { adopt, update };
})();

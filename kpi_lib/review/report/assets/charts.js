/* Draws every chart from the specification beside its place, in the light or the dark. */
(() => {
  const places = [...document.querySelectorAll("figure.chart > .vega-embed")];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = () => document.documentElement.clientWidth < 640;

  /* The theme's inks, as they are called in the specifications, and what stands for them at night. */
  const NIGHT = { "#1f2933": "#e9e7e2", "#6b7280": "#a7abb1", "#d1d5db": "#4b5058", "#e5e7eb": "#2e3237" };
  const atNight = (value) => {
    if (typeof value === "string") return NIGHT[value.toLowerCase()] ?? value;
    if (Array.isArray(value)) return value.map(atNight);
    if (value === null || typeof value !== "object") return value;
    const isData = (key) => key === "datasets" || key === "data";
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, isData(key) ? part : atNight(part)]));
  };

  /* A heading in lines that fit a phone. */
  const wrapped = (text, most) => {
    if (text === undefined) return undefined;
    const words = [text].flat().join(" ").split(" ");
    return words.reduce((lines, word) => {
      const last = lines[lines.length - 1];
      if (last && (last + " " + word).length <= most) lines[lines.length - 1] = last + " " + word;
      else lines.push(word);
      return lines;
    }, []);
  };

  const prepared = (spec) => {
    const ours = dark.matches ? atNight(spec) : structuredClone(spec);
    delete ours.$schema; /* the mode below says it, without a warning on versions */
    ours.config = { ...ours.config, background: "transparent" };
    if (ours.autosize?.type === "fit-x") ours.width = "container"; /* as wide as the page */
    if (narrow()) {
      if (ours.columns) ours.columns = 1;
      ours.config.legend = { ...ours.config.legend, columns: 2 };
      if (ours.title?.text) ours.title = { ...ours.title, text: wrapped(ours.title.text, 36), subtitle: wrapped(ours.title.subtitle, 48) };
    }
    return ours;
  };

  const draw = async (place) => {
    const spec = JSON.parse(place.nextElementSibling.textContent);
    try {
      await vegaEmbed(place, prepared(spec), { mode: "vega-lite", actions: false, renderer: "svg", theme: dark.matches ? "dark" : undefined, tooltip: { theme: dark.matches ? "dark" : "light" } });
      place.dataset.drawn = "yes";
    } catch (error) {
      place.textContent = `This chart could not be drawn: ${error.message}`;
      console.error(error);
    }
  };

  if (typeof vegaEmbed === "undefined") {
    for (const place of places) place.textContent = "To draw this chart, keep the folder “assets” beside this page.";
    return;
  }
  const all = () => Promise.all(places.map(draw));
  dark.addEventListener("change", all);
  all().then(() => document.documentElement.setAttribute("data-charts", "drawn"));
})();

import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";

const EDGE = "http://127.0.0.1:8080";

/** Holds the first paint until the theme is known, so that nobody sees the other one flash by. */
function renderBlocking(): Plugin {
  return {
    name: "render-blocking",
    transformIndexHtml: {
      order: "post",
      handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
    },
  };
}

export default defineConfig({
  plugins: [preact(), renderBlocking()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    // The content security policy allows no data: URLs but for pictures.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": EDGE, "/uploads": EDGE, "/media": EDGE } },
});

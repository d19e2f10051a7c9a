import { defineConfig } from "vite";

// Stable names, one script and one sheet: the program serves them with an ETag, so no hash is needed.
export default defineConfig({
  base: "/dashboard/",
  build: {
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        entryFileNames: "assets/app.js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: (asset) =>
          asset.names[0]?.endsWith(".woff2") ? "assets/inter.woff2" : "assets/app[extname]",
      },
    },
  },
  server: { proxy: { "/dashboard/api": "http://127.0.0.1:9000" } },
});

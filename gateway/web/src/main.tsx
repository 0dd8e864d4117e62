import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css";
import "./styles/library.css";
import "./styles/uploads.css";
import "./styles/watch.css";
import { render } from "preact";
import { App } from "./app.js";
import { startNavigation } from "./navigation.js";
import { startUploads } from "./uploads.js";

const root = document.getElementById("app");
if (!root) throw new Error("the page has no #app");

startNavigation();
startUploads();
render(<App />, root);

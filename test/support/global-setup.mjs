// Tests that start processes run what `npm start` runs: it is built first, so that none ever runs yesterday's code.
import { buildAll } from "../../scripts/build.mjs";

export default buildAll;

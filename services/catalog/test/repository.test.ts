import { onEveryStore } from "./support/stores.js";
import { videoRepositoryContract } from "./repository.js";

onEveryStore("videos", videoRepositoryContract);

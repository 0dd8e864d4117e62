import { onEveryStore } from "../../catalog/test/support/stores.js";
import { uploadRepositoryContract } from "./repository.js";

onEveryStore("uploads", uploadRepositoryContract);

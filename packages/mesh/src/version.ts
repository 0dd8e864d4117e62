/** The version of Reelmesh that this process runs; a test holds it to package.json. */
export const VERSION = "0.1.0";

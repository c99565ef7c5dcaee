/** A thread that reads a `Prefer` header and says what it has found. It can be ended, whatever it is busy with. */
import { parentPort, workerData } from "node:worker_threads";
import { otherPreferences, preferencesOf } from "../../src/requests/preferences.ts";

const headers = new Headers({ Prefer: workerData });
parentPort?.postMessage([preferencesOf(headers), otherPreferences(headers)]);

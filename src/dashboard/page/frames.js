/**
 * Reads server-sent events piece by piece, however the network has cut them.
 * @param {(name: string, data: string, id: string | null) => void} onEvent
 */
export function frameReader(onEvent) {
  let rest = "";
  /** @param {string} text */
  return (text) => {
    const frames = (rest + text).split("\n\n");
    rest = frames.pop() ?? "";
    for (const frame of frames) read(frame, onEvent);
  };
}

/**
 * @param {string} frame
 * @param {(name: string, data: string, id: string | null) => void} onEvent
 */
function read(frame, onEvent) {
  let name = "message";
  /** @type {string | null} */
  let id = null;
  /** @type {string[]} */
  const data = [];
  for (const line of frame.split("\n")) {
    const colon = line.indexOf(":");
    const [field, value] = colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1)];
    const text = value.startsWith(" ") ? value.slice(1) : value;
    if (field === "event") name = text;
    else if (field === "id") id = text;
    else if (field === "data") data.push(text);
  }
  if (data.length > 0) onEvent(name, data.join("\n"), id);
}

/** A PUBLISH of a stream in MQTT 5.0, with the marks that the broker adds. */
import { uint16At } from "./wire.ts";

const decoder = new TextDecoder();

/** What a PUBLISH with QoS 1 or 2 says. */
export interface MarkedPublish {
  readonly packetId: number;
  readonly seq: number;
  /** The number of the message: its payload begins with it. */
  readonly key: number;
  /** The User Properties; of several with one name, the last. */
  readonly marks: ReadonlyMap<string, string>;
}

/** Reads the body of a PUBLISH with QoS 1 or 2 that has no other properties than User Properties. */
export function markedPublish(body: Uint8Array): MarkedPublish {
  const topicEnd = 2 + uint16At(body, 0);
  let at = topicEnd + 2;
  let length = 0;
  for (let shift = 0;; shift += 7) {
    const byte = body[at++]!;
    length += (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  const payload = at + length;
  const marks = userProperties(body.subarray(at, payload));
  return {
    packetId: uint16At(body, topicEnd),
    seq: Number(marks.get("stream-seq")),
    key: parseInt(decoder.decode(body.subarray(payload, payload + 12))),
    marks,
  };
}

function userProperties(bytes: Uint8Array): Map<string, string> {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    if (texts.length % 2 === 0) at++;
    const end = at + 2 + uint16At(bytes, at);
    texts.push(decoder.decode(bytes.subarray(at + 2, end)));
    at = end;
  }
  return new Map(texts.flatMap((name, i) => i % 2 === 0 ? [[name, texts[i + 1]!]] : []));
}

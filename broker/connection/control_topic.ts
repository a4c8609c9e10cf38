/** Messages with commands for the program: they are handed to it, and to no subscriber. */
import { ReasonCode } from "../../codec/mod.ts";
import type { ControlTopic } from "../../auth/control_topic.ts";
import type { Message } from "../base/message.ts";
import type { ClientConnection } from "./client_connection.ts";

/**
 * Hands a message to the program, if the authorizer allows it. Without an authorizer nobody may.
 *
 * @param settle Tells the client what came of it, with a Reason Code.
 * @returns Resolves when the commands are done: the client waits that long for its next packet. It
 * never rejects because of the program.
 */
export async function takeCommands(
  connection: ClientConnection,
  control: ControlTopic,
  message: Message,
  settle: (reasonCode: number) => void,
): Promise<void> {
  const { name: topic, qos, retain } = message;
  const { access } = connection.session!;
  const may = access?.mayPublish({ topic, qos, retain, will: false }) ?? false;
  if (may === false) return settle(ReasonCode.NotAuthorized);
  // The bytes are borrowed, and may be gone after a wait.
  const payload = message.payload.slice();
  const isAllowed = await may;
  if (!connection.isOpen) return;
  if (!isAllowed) return settle(ReasonCode.NotAuthorized);
  try {
    await control.handle(connection.client!, payload);
  } catch (error) {
    connection.context.reportError(error);
  }
  if (connection.isOpen) settle(ReasonCode.Success);
}

/** Hands messages of a control topic to the program; no subscriber receives them. */
import { ReasonCode } from "../../codec/mod.ts";
import type { ControlTopic } from "../../auth/control_topic.ts";
import type { Message } from "../base/message.ts";
import type { ClientConnection } from "./client_connection.ts";

/**
 * Hands a message to the program, if the authorizer allows it. Without an authorizer nobody may.
 *
 * @param settle Sends the result to the client, as a Reason Code.
 * @returns Resolves when the commands are done. The next packet of the client is handled after
 * that. It never rejects because of the program.
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
  // The bytes are borrowed, and may be overwritten during a wait.
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

/**
 * The limits of dynamic security. Each command checks its own limit, and a command past it is
 * answered with an error and changes nothing.
 *
 * @module
 */

/** Accounts, which mosquitto calls clients. One takes about 1 KiB of memory. */
export const ACCOUNTS_MAX = 100_000;
/** Groups. */
export const GROUPS_MAX = 10_000;
/** Roles. */
export const ROLES_MAX = 10_000;
/** ACLs of one role. A check reads them one after the other. */
export const ROLE_ACLS_MAX = 512;
/** Roles of one account, or of one group. */
export const ROLES_PER_HOLDER_MAX = 64;
/** Groups of one account. */
export const GROUPS_PER_ACCOUNT_MAX = 64;
/** Characters of a user name, a group name, a role name or a client identifier. */
export const NAME_CHARS_MAX = 1024;
/** Characters of a `textname` or a `textdescription`. */
export const TEXT_CHARS_MAX = 4096;
/** Characters of the topic of an ACL. */
export const TOPIC_CHARS_MAX = 4096;
/** Characters of a password. */
export const PASSWORD_CHARS_MAX = 4096;
/** Priorities lie between `-PRIORITY_MAX` and this; another one is changed to the nearest. */
export const PRIORITY_MAX = 100_000;

/** Bytes of a message with commands. */
export const MESSAGE_BYTES_MAX = 1024 * 1024;
/** Commands of one message. */
export const COMMANDS_PER_MESSAGE_MAX = 1000;
/** Messages with commands that wait for the one in progress. Past it: answered with an error. */
export const MESSAGES_WAITING_MAX = 64;
/** Commands per second, of all clients together. Past it, the sender waits. */
export const COMMANDS_PER_SECOND_MAX = 500;
/** Commands that are done at once before {@linkcode COMMANDS_PER_SECOND_MAX} holds. */
export const COMMANDS_BURST_MAX = 2000;
/** Entries of a verbose list. A longer one is answered with an error. */
export const VERBOSE_LIST_MAX = 5000;
/** Characters of the answer to one message. A list that is longer is answered with an error. */
export const ANSWER_CHARS_MAX = 8 * 1024 * 1024;
/** Bytes of a file that is imported. */
export const FILE_BYTES_MAX = 256 * 1024 * 1024;

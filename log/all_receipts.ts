import { Receipt } from "./receipt.ts";

/** A receipt that closes when all the others have. */
export function allReceipts(...receipts: Receipt[]): Receipt {
  const all = new Receipt();
  Promise.all(receipts.map((receipt) => receipt.wait())).then(() => all.close());
  return all;
}

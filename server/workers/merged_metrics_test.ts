import { assertEquals } from "@std/assert";
import { mergeMetrics } from "./merged_metrics.ts";

Deno.test("mergeMetrics() adds counters and buckets, and keeps what is the same for all nodes", () => {
  const text = (uptime: number, ready: number, sent: number, retained: number) =>
    `# HELP fairway_uptime_seconds Up.
# TYPE fairway_uptime_seconds gauge
fairway_uptime_seconds ${uptime}
# TYPE fairway_ready gauge
fairway_ready ${ready}
# TYPE fairway_info gauge
fairway_info{version="Fairway 1"} 1
# TYPE fairway_packets_sent_total counter
fairway_packets_sent_total{packet="publish"} ${sent}
fairway_packets_sent_total{packet="other"} 1
# TYPE fairway_commit_seconds histogram
fairway_commit_seconds_bucket{le="0.1"} ${sent}
fairway_commit_seconds_bucket{le="+Inf"} ${sent}
# TYPE fairway_retained_messages gauge
fairway_retained_messages ${retained}
# TYPE fairway_admin_requests_total counter
fairway_admin_requests_total{status="200"} 5
`;
  const texts = [text(10, 1, 3, 7), text(4, 0, 5, 7)];
  assertEquals(
    mergeMetrics(texts, ["fairway_admin_requests_total"]),
    text(10, 0, 8, 7).replace('{packet="other"} 1', '{packet="other"} 2')
      .replace(/# TYPE fairway_admin[^]*/, ""),
  );
});

Deno.test("mergeMetrics() takes a series that only one node has", () => {
  const one = '# TYPE fairway_sessions gauge\nfairway_sessions{state="connected"} 2\n';
  const other = '# TYPE fairway_sessions gauge\nfairway_sessions{state="offline"} 3\n';
  assertEquals(
    mergeMetrics([one, other]),
    '# TYPE fairway_sessions gauge\nfairway_sessions{state="connected"} 2\n' +
      'fairway_sessions{state="offline"} 3\n',
  );
});

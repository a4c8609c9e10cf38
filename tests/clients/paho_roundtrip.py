"""Talks to a broker with Eclipse Paho's Python client and prints what happened, one fact a line.

Usage: paho_roundtrip.py PORT (311|5)

The facts are compared with what a broker must do in tests/paho_test.ts. The client is driven from
this one thread, a network event at a time, so that the order of the facts is the order of events.
"""

import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

DEADLINE_S = 10


class Peer:
    """A Paho client that remembers what it was told."""

    def __init__(self, port, version, client_id, clean=True, will=None):
        modern = version == "5"
        protocol = mqtt.MQTTv5 if modern else mqtt.MQTTv311
        first = {} if modern else {"clean_session": clean}
        self.client = mqtt.Client(client_id, protocol=protocol, **first)
        self.session_present = None
        self.received = []
        self.granted = set()
        self.sent = set()
        self.client.on_connect = self._on_connect
        self.client.on_message = lambda _client, _data, message: self.received.append(message)
        self.client.on_subscribe = lambda _client, _data, mid, *_rest: self.granted.add(mid)
        self.client.on_publish = lambda _client, _data, mid: self.sent.add(mid)
        if will is not None:
            self.client.will_set(*will)
        self.client.connect("127.0.0.1", port, **(modern_session(clean) if modern else {}))
        self.until(lambda: self.session_present is not None, "CONNACK")

    def _on_connect(self, _client, _data, flags, _reason, *_properties):
        self.session_present = flags["session present"]

    def until(self, condition, what):
        """Lets the client work until the condition holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            if time.monotonic() > deadline:
                sys.exit(f"within {DEADLINE_S} s this did not happen: {what}")
            self.client.loop(0.1)

    def subscribe(self, *args, **options):
        _result, mid = self.client.subscribe(*args, **options)
        self.until(lambda: mid in self.granted, "SUBACK")

    def publish(self, *args, **options):
        self.finish([self.client.publish(*args, **options)])

    def finish(self, publishes):
        """Waits until the broker has acknowledged all, as their QoS demands."""
        mids = {info.mid for info in publishes}
        self.until(lambda: mids <= self.sent, f"the end of {len(mids)} publishes")

    def receive(self, count):
        """The next `count` messages."""
        self.until(lambda: len(self.received) >= count, f"{count} messages")
        messages, self.received = self.received[:count], self.received[count:]
        return messages

    def leave(self):
        self.client.disconnect()
        self.until(lambda: not self.client.is_connected(), "a clean end")

    def vanish(self):
        """Drops the connection without a DISCONNECT, for which Paho has no public way."""
        self.client._sock_close()


def modern_session(clean):
    """How MQTT 5 says what 3.1.1 calls a clean session, or one that lasts."""
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0 if clean else 60
    return {"clean_start": clean, "properties": properties}


def tell(fact, message):
    flags = f"qos {message.qos}" + (", retained" if message.retain else "")
    print(f"{fact}: {message.topic} = {message.payload.decode()} ({flags})")


def tell_qualities(port, version):
    peer = Peer(port, version, "paho-qualities")
    for qos in (0, 1, 2):
        peer.subscribe(f"paho/{qos}/+", qos)
        peer.publish(f"paho/{qos}/x", f"at {qos}", qos)
        tell("received", peer.receive(1)[0])
    peer.leave()


def tell_retained(port, version):
    peer = Peer(port, version, "paho-retained")
    peer.publish("paho/state", "on", 1, retain=True)
    peer.subscribe("paho/state", 1)
    tell("greeted", peer.receive(1)[0])
    peer.leave()


def tell_will(port, version):
    watcher = Peer(port, version, "paho-watcher")
    watcher.subscribe("paho/wills", 1)
    mortal = Peer(port, version, "paho-mortal", will=("paho/wills", "gone", 1))
    mortal.vanish()
    tell("will", watcher.receive(1)[0])
    watcher.leave()


def tell_session(port, version):
    before = Peer(port, version, "paho-keeper", clean=False)
    before.subscribe("paho/away", 2)
    before.leave()
    sender = Peer(port, version, "paho-sender")
    for qos in (1, 2):
        sender.publish("paho/away", f"while away at {qos}", qos)
    sender.leave()
    after = Peer(port, version, "paho-keeper", clean=False)
    print(f"session present: {before.session_present}, then {after.session_present}")
    for message in sorted(after.receive(2), key=lambda message: message.qos):
        tell("resumed", message)
    after.leave()


def tell_burst(port, version):
    receiver = Peer(port, version, "paho-receiver")
    receiver.subscribe("paho/burst", 2)
    sender = Peer(port, version, "paho-burst")
    sender.finish(
        [sender.client.publish("paho/burst", str(number), number % 3) for number in range(300)]
    )
    numbers = [int(message.payload) for message in receiver.receive(300)]
    print(f"burst: {len(numbers)} messages, each once: {sorted(numbers) == list(range(300))}")
    sender.leave()
    receiver.leave()


def tell_properties(port):
    peer = Peer(port, "5", "paho-properties")
    identified = Properties(PacketTypes.SUBSCRIBE)
    identified.SubscriptionIdentifier = 9
    peer.subscribe("paho/told", options=SubscribeOptions(qos=1), properties=identified)
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("ship", "Fairway"), ("ship", "again")]
    properties.ContentType = "text/plain"
    properties.ResponseTopic = "paho/answers"
    properties.CorrelationData = b"42"
    properties.MessageExpiryInterval = 1000
    peer.publish("paho/told", "hello", 1, properties=properties)
    received = peer.receive(1)[0].properties
    print(f"user property: {received.UserProperty}")
    print(f"content type: {received.ContentType}")
    print(f"response topic: {received.ResponseTopic}")
    print(f"correlation data: {received.CorrelationData}")
    print(f"expires within 1000 s: {0 < received.MessageExpiryInterval <= 1000}")
    print(f"subscription identifier: {received.SubscriptionIdentifier}")
    peer.leave()


def main():
    port, version = int(sys.argv[1]), sys.argv[2]
    for chapter in (tell_qualities, tell_retained, tell_will, tell_session, tell_burst):
        chapter(port, version)
    if version == "5":
        tell_properties(port)


main()

"""Talks to a websocket server and prints what it answers: websocket_client.py echo|chat URL"""
import hashlib
import ssl
import sys

import websocket


def connect(url):
    return websocket.create_connection(url, timeout=20, sslopt={"cert_reqs": ssl.CERT_NONE})


def echo(url):
    client = connect(url)
    client.send("hello")
    print("text:", client.recv())
    client.send_binary(bytes(range(256)))
    print("binary:", client.recv() == bytes(range(256)))
    large = "0123456789" * 20000
    client.send(large)
    print("large:", hashlib.sha256(client.recv().encode()).hexdigest() == hashlib.sha256(large.encode()).hexdigest())
    client.ping("are you there")
    client.send("after the ping")
    opcode, frame = client.recv_data_frame(control_frame=True)
    print("pong:", frame.data.decode(), opcode == websocket.ABNF.OPCODE_PONG)
    print("text:", client.recv())
    others = [connect(url) for _ in range(8)]
    for number, other in enumerate(others):
        other.send(f"number {number}")
    print("others:", [other.recv() for other in others])
    for other in others:
        other.close()
    client.send_close(1000, b"bye")
    opcode, frame = client.recv_data_frame(control_frame=True)
    print("close:", opcode == websocket.ABNF.OPCODE_CLOSE)


def chat(url):
    alice, bob = connect(url), connect(url)
    # Bob is known to have arrived when he hears himself.
    bob.send("hello from bob")
    print("bob:", bob.recv())
    print("alice:", alice.recv())
    alice.send("hello from alice")
    print("alice:", alice.recv())
    print("bob:", bob.recv())
    alice.close()
    bob.close()


{"echo": echo, "chat": chat}[sys.argv[1]](sys.argv[2])

"""A SOCKS 4 proxy that serves one CONNECT after the other: socks4_server.py PORT"""
import socket
import struct
import sys
import threading


def read_request(client):
    _version, _command, port = struct.unpack("!BBH", client.recv(4, socket.MSG_WAITALL))
    address = socket.inet_ntoa(client.recv(4, socket.MSG_WAITALL))
    user = b""
    while not user.endswith(b"\0"):
        user += client.recv(1)
    return address, port, user[:-1].decode()


def forward(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def serve(client):
    address, port, user = read_request(client)
    print(f"{user} connects to {address} {port}", flush=True)
    with socket.create_connection((address, port)) as server:
        client.sendall(b"\0\x5a" + bytes(6))
        forth = threading.Thread(target=forward, args=(client, server))
        forth.start()
        forward(server, client)
        forth.join()


with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            serve(connection)

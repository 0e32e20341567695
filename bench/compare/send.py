# SPDX-License-Identifier: Apache-2.0
"""Send the UDP payloads of a pcap to a socket on 127.0.0.1, never faster than it is read.

usage: send.py PCAP PORT

The receiver's queue in /proc/net/udp is looked at every few datagrams, and sending pauses while it
is half full: nothing is lost, so a receiver's CPU time is that of every record. Ends when the queue
is empty. The sender is not measured.
"""
import socket
import struct
import sys
import time

QUEUE_OCTETS_MAX = 60000  # of the 212,992 the kernel gives by default
BETWEEN_LOOKS = 16


def queue_octets(port):
    wanted = ":%04X" % port
    with open("/proc/net/udp") as table:
        for line in table:
            fields = line.split()
            if fields[1].endswith(wanted):
                return int(fields[4].split(":")[1], 16), int(fields[12])
    raise SystemExit("nobody listens on port %d" % port)


def main():
    path, port = sys.argv[1], int(sys.argv[2])
    data = open(path, "rb").read()
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.connect(("127.0.0.1", port))
    at, sent = 24, 0
    while at < len(data):
        (octets,) = struct.unpack_from("<8xI", data, at)
        out.send(data[at + 16 + 42 : at + 16 + octets])
        at += 16 + octets
        sent += 1
        if sent % BETWEEN_LOOKS == 0 or sent == 1:
            while queue_octets(port)[0] > QUEUE_OCTETS_MAX:
                time.sleep(0.0002)
    while queue_octets(port)[0] > 0:
        time.sleep(0.001)
    print(sent, queue_octets(port)[1])  # datagrams, drops


main()

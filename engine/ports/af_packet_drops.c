/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/af_packet_drops.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

static bool is_packet_socket(int descriptor)
{
    int domain = 0;
    socklen_t domain_bytes = sizeof domain;
    return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &domain_bytes) == 0 &&
           domain == AF_PACKET;
}

void tg_af_packet_sockets(struct tg_af_packet_sockets *sockets)
{
    for (int i = 0; i < TG_AF_PACKET_DESCRIPTORS_MAX; i++) {
        sockets->is_packet[i] = is_packet_socket(i);
    }
}

bool tg_af_packet_drops_find(const struct tg_af_packet_sockets *before,
                             struct tg_af_packet_drops *drops)
{
    struct tg_af_packet_sockets now;
    uint32_t found_count = 0;
    *drops = (struct tg_af_packet_drops){.descriptor = -1};
    tg_af_packet_sockets(&now);
    for (int i = 0; i < TG_AF_PACKET_DESCRIPTORS_MAX; i++) {
        if (now.is_packet[i] && !before->is_packet[i]) {
            drops->descriptor = i;
            found_count++;
        }
    }
    if (found_count != 1) {
        drops->descriptor = -1;
    }
    return found_count == 1;
}

uint64_t tg_af_packet_drops_count(struct tg_af_packet_drops *drops)
{
    struct tpacket_stats stats;
    socklen_t stats_bytes = sizeof stats;
    uint64_t more = 0;
    if (drops->descriptor >= 0 &&
        getsockopt(drops->descriptor, SOL_PACKET, PACKET_STATISTICS, &stats, &stats_bytes) == 0) {
        more = stats.tp_drops; /* since the last time: asking resets it */
    }
    /* Relaxed: a count by itself. Atomic, as two threads may have asked at once. */
    return __atomic_add_fetch(&drops->count, more, __ATOMIC_RELAXED);
}

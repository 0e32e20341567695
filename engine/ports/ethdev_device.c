/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/ethdev_device.h"

#include "base/limits.h"
#include "ports/file_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MBUFS_COUNT         4096u
#define DATA_BYTES          2048u
#define DATA_BYTES_MAX      65000u /* an mbuf's length field has 16 bits, headroom included */
#define POOL_BYTES_MAX      (32u << 20)
#define AF_PACKET_RING      (64u << 20) /* 55 ms at 0.6 M frames/s, the most a veth sent here */
#define AF_PACKET_BLOCK     65536u
#define AF_PACKET_FRAME_MAX 32768u
#define AF_XDP_FRAME_MAX    3498u /* page - headroom - the kernel's tail: an MTU above has no XDP */
#define AF_XDP_MBUFS_COUNT  8192u /* fill, receive and send ring of 2,048, and what is in hand */
#define AF_XDP_RX_SLOTS     2048u /* as many as DPDK 22.11 puts into the fill ring */
#define RX_SLOTS            512u
#define AF_PACKET_OVERHEAD  160u /* TPACKET2_HDRLEN, alignment, link header, two VLAN tags */

/* One number a process: names must differ, also after a device was closed. Control thread only. */
static uint32_t devices_count;

struct capture {
    uint64_t frames_count;
    uint32_t frame_bytes_max;
};

static void capture_scan(pcap_t *pcap, struct capture *capture)
{
    struct pcap_pkthdr *header = NULL;
    const u_char *bytes = NULL;
    while (pcap_next_ex(pcap, &header, &bytes) == 1) {
        capture->frames_count++;
        if (header->caplen > capture->frame_bytes_max) {
            capture->frame_bytes_max = header->caplen;
        }
    }
}

static enum tg_err capture_open(const struct tg_port_config *config,
                                struct tg_ethdev_device *device, struct tg_why *why)
{
    struct stat status;
    device->file = open(config->target, O_RDONLY | O_CLOEXEC);
    if (device->file < 0 || fstat(device->file, &status) != 0) {
        return tg_why_set(why, TG_E_PORT_OPEN, "port %s: cannot read capture %s: %s", config->name,
                          config->target, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return tg_why_set(why, TG_E_PORT_OPEN, "port %s: capture %s is not a file", config->name,
                          config->target);
    }
    const char *slash = strrchr(config->target, '/');
    if (tg_file_identity(device->file, slash != NULL ? slash + 1 : config->target,
                         (uint64_t)status.st_size, &device->file_key) != TG_OK) {
        return tg_why_set(why, TG_E_PORT_OPEN, "port %s: cannot read capture %s: %s", config->name,
                          config->target, strerror(errno));
    }
    return TG_OK;
}

static enum tg_err capture_check(const struct tg_port_config *config, const char *path,
                                 struct capture *capture, struct tg_why *why)
{
    char said[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap = pcap_open_offline(path, said);
    if (pcap == NULL) {
        return tg_why_set(why, TG_E_PORT_OPEN, "port %s: %s is not a capture: %s", config->name,
                          config->target, said);
    }
    const int link = pcap_datalink(pcap);
    if (link == DLT_EN10MB && config->is_infinite) {
        capture_scan(pcap, capture);
    }
    pcap_close(pcap);
    if (link != DLT_EN10MB) {
        const char *name = pcap_datalink_val_to_name(link);
        return tg_why_set(why, TG_E_PORT_OPEN,
                          "port %s: %s holds %s frames; only Ethernet captures are read (take them "
                          "from an interface, not from \"any\")",
                          config->name, config->target, name != NULL ? name : "unknown");
    }
    if (config->is_infinite &&
        (capture->frames_count == 0 || capture->frame_bytes_max > DATA_BYTES_MAX)) {
        return tg_why_set(why, TG_E_PORT_OPEN,
                          "port %s: %s has %llu frames of up to %u octets and "
                          "cannot be repeated for ever",
                          config->name, config->target, (unsigned long long)capture->frames_count,
                          capture->frame_bytes_max);
    }
    return TG_OK;
}

static enum tg_err device_pcap(const struct tg_port_config *config, struct tg_ethdev_device *device,
                               struct tg_why *why)
{
    char path[32];
    struct capture capture = {0};
    enum tg_err err = capture_open(config, device, why);
    if (err != TG_OK) {
        return err;
    }
    /* By descriptor: a comma or bracket in the file's name would end the device's argument. */
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", device->file);
    err = capture_check(config, path, &capture, why);
    if (err != TG_OK) {
        return err;
    }
    (void)snprintf(device->name, sizeof device->name, "net_pcap_tg%u", devices_count++);
    (void)snprintf(device->arguments, sizeof device->arguments, "rx_pcap=%s%s", path,
                   config->is_infinite ? ",infinite_rx=1" : "");
    if (config->is_infinite) {
        /* The driver keeps the whole capture in buffers of the pool it also hands out from. */
        if (capture.frames_count > UINT32_MAX / 2) {
            return tg_why_set(why, TG_E_INVALID, "port %s: too many frames to repeat",
                              config->name);
        }
        device->mbufs_count += (uint32_t)capture.frames_count;
        if (capture.frame_bytes_max > device->data_bytes) {
            device->data_bytes = (uint16_t)capture.frame_bytes_max;
        }
    }
    return TG_OK;
}

static enum tg_err interface_mtu(const struct tg_port_config *config, uint32_t *mtu_octets,
                                 struct tg_why *why)
{
    struct ifreq request = {.ifr_ifindex = 0};
    if (strlen(config->target) >= sizeof request.ifr_name) {
        return tg_why_set(why, TG_E_PORT_OPEN, "port %s: no interface has a name as long as %.40s",
                          config->name, config->target);
    }
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", config->target);
    const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int result = descriptor < 0 ? -1 : ioctl(descriptor, SIOCGIFMTU, &request);
    const int error = errno;
    if (descriptor >= 0) {
        (void)close(descriptor);
    }
    if (result != 0) {
        return tg_why_set(why, TG_E_PORT_OPEN, "port %s: interface %s: %s", config->name,
                          config->target, strerror(error));
    }
    *mtu_octets = request.ifr_mtu > 0 ? (uint32_t)request.ifr_mtu : 1500;
    return TG_OK;
}

static enum tg_err device_af_packet(const struct tg_port_config *config, uint32_t attempt,
                                    struct tg_ethdev_device *device, struct tg_why *why)
{
    uint32_t mtu_octets = 0;
    const enum tg_err err = interface_mtu(config, &mtu_octets, why);
    if (err != TG_OK) {
        return err;
    }
    uint32_t frame_bytes = 2048;
    while (frame_bytes < mtu_octets + AF_PACKET_OVERHEAD && frame_bytes < AF_PACKET_FRAME_MAX) {
        frame_bytes *= 2;
    }
    const uint32_t ring_bytes = AF_PACKET_RING >> (2 * attempt);
    (void)snprintf(device->name, sizeof device->name, "net_af_packet_tg%u", devices_count++);
    (void)snprintf(device->arguments, sizeof device->arguments,
                   "iface=%s,blocksz=%u,framesz=%u,framecnt=%u", config->target, AF_PACKET_BLOCK,
                   frame_bytes, ring_bytes / frame_bytes);
    device->data_bytes = (uint16_t)frame_bytes;
    if (device->mbufs_count > POOL_BYTES_MAX / frame_bytes) {
        device->mbufs_count = POOL_BYTES_MAX / frame_bytes;
    }
    return TG_OK;
}

/* One queue of the interface. The driver's frames lie in our own packet buffers (no copy of ours);
 * whether the kernel copies into them depends on the interface's driver. */
static enum tg_err device_af_xdp(const struct tg_port_config *config,
                                 struct tg_ethdev_device *device, struct tg_why *why)
{
    uint32_t mtu_octets = 0;
    const enum tg_err err = interface_mtu(config, &mtu_octets, why);
    if (err != TG_OK) {
        return err;
    }
    if (mtu_octets > AF_XDP_FRAME_MAX) {
        return tg_why_set(why, TG_E_PORT_OPEN,
                          "port %s: interface %s has an MTU of %u, and AF_XDP takes frames of one "
                          "page only: set it to %u or less, or use af_packet",
                          config->name, config->target, mtu_octets, AF_XDP_FRAME_MAX);
    }
    (void)snprintf(device->name, sizeof device->name, "net_af_xdp_tg%u", devices_count++);
    (void)snprintf(device->arguments, sizeof device->arguments,
                   "iface=%s,start_queue=%u,queue_count=1", config->target,
                   (unsigned)config->queue);
    device->mbufs_count = AF_XDP_MBUFS_COUNT;
    device->rx_slots = AF_XDP_RX_SLOTS;
    return TG_OK;
}

static enum tg_err device_vdev(const struct tg_port_config *config, struct tg_ethdev_device *device,
                               struct tg_why *why)
{
    const size_t name_bytes = strcspn(config->target, ",");
    const char *arguments = config->target + name_bytes;
    arguments += *arguments == ',';
    if (name_bytes >= sizeof device->name || strlen(arguments) >= sizeof device->arguments) {
        return tg_why_set(why, TG_E_INVALID, "port %s: device name or arguments are too long",
                          config->name);
    }
    memcpy(device->name, config->target, name_bytes);
    device->name[name_bytes] = '\0';
    (void)snprintf(device->arguments, sizeof device->arguments, "%s", arguments);
    return TG_OK;
}

enum tg_err tg_ethdev_device(const struct tg_port_config *config, uint32_t attempt,
                             struct tg_ethdev_device *device, struct tg_why *why)
{
    *device = (struct tg_ethdev_device){
        .mbufs_count = MBUFS_COUNT, .rx_slots = RX_SLOTS, .data_bytes = DATA_BYTES, .file = -1};
    switch (config->kind) {
    case TG_PORT_PCAP:
        return device_pcap(config, device, why);
    case TG_PORT_AF_PACKET:
        return device_af_packet(config, attempt, device, why);
    case TG_PORT_RING:
        if (strlen(config->target) > 20) { /* net_ring names its rings after it, 29 octets */
            return tg_why_set(why, TG_E_INVALID, "port %s: a ring's name has up to 20 octets",
                              config->name);
        }
        (void)snprintf(device->name, sizeof device->name, "net_ring_%s", config->target);
        return TG_OK;
    case TG_PORT_AF_XDP:
        return device_af_xdp(config, device, why);
    default:
        return device_vdev(config, device, why);
    }
}

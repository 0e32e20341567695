/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/decode_capture.h"

#include "base/clock.h"
#include "base/limits.h"
#include "ports/strip.h"

#include <pcap/pcap.h>
#include <string.h>

#define ETHERNET_OCTETS 14u
#define TYPE_IPV4       0x0800u
#define TYPE_IPV6       0x86ddu
#define FRAME_BYTES_MAX 262144u /* libpcap's own bound on a frame */

/* pcapng block types that hold a packet, and where in the block it begins. */
#define BLOCK_OLD_PACKET      2u
#define BLOCK_SIMPLE_PACKET   3u
#define BLOCK_ENHANCED_PACKET 6u

/* A frame as libpcap gave it. */
struct frame {
    const uint8_t *bytes;
    uint32_t length_bytes; /* captured */
    uint64_t offset_bytes; /* in the file */
    uint64_t index;        /* from 1 */
    int64_t arrival_ns;
};

static uint32_t word_at(const uint8_t *at, bool is_swapped)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return is_swapped ? __builtin_bswap32(word) : word;
}

/* Offset of the frame that ends, with what its format puts behind it, at `end`. */
static uint64_t frame_offset(const struct tg_decode_capture *capture, uint64_t end,
                             uint32_t frame_bytes)
{
    static const uint8_t section[4] = {0x0a, 0x0d, 0x0d, 0x0a};
    if (end > capture->length_bytes || end < frame_bytes) {
        return 0;
    }
    if (memcmp(capture->bytes, section, sizeof section) != 0) {
        return end - frame_bytes;
    }
    for (int order = 0; order < 2 && end >= 16; order++) {
        const uint32_t block_bytes = word_at(capture->bytes + end - 4, order != 0);
        if (block_bytes < 16 || block_bytes > end) {
            continue;
        }
        const uint8_t *block = capture->bytes + end - block_bytes;
        const uint32_t type = word_at(block, order != 0);
        const bool is_packet = type == BLOCK_ENHANCED_PACKET || type == BLOCK_OLD_PACKET;
        if (word_at(block + 4, order != 0) == block_bytes &&
            (is_packet || type == BLOCK_SIMPLE_PACKET)) {
            return end - block_bytes + (is_packet ? 28 : 12);
        }
    }
    return 0;
}

/* Octets before the network header and its type; false: no IP in it. */
static bool link_header(int link, const struct frame *frame, uint32_t *skip, uint16_t *type)
{
    const uint8_t *at = frame->bytes;
    *skip = link == DLT_LINUX_SLL                  ? 16
            : link == DLT_LINUX_SLL2               ? 20
            : link == DLT_NULL || link == DLT_LOOP ? 4
                                                   : 0;
    if (frame->length_bytes <= *skip) {
        return false;
    }
    if (link == DLT_LINUX_SLL || link == DLT_LINUX_SLL2) {
        const uint32_t where = link == DLT_LINUX_SLL ? 14 : 0;
        *type = (uint16_t)(at[where] << 8 | at[where + 1]);
        return true;
    }
    const uint8_t version = at[*skip] >> 4;
    *type = version == 4 ? TYPE_IPV4 : TYPE_IPV6;
    return version == 4 || version == 6;
}

static bool link_is_known(int link)
{
    return link == DLT_EN10MB || link == DLT_RAW || link == DLT_IPV4 || link == DLT_IPV6 ||
           link == DLT_NULL || link == DLT_LOOP || link == DLT_LINUX_SLL || link == DLT_LINUX_SLL2;
}

/* Finds the payload; frames without Ethernet get such a header, so that one function checks all. */
static enum tg_err frame_strip(int link, const struct frame *frame, struct tg_strip *found,
                               const uint8_t **payload, uint32_t *payload_offset)
{
    static uint8_t dressed[ETHERNET_OCTETS + FRAME_BYTES_MAX];
    if (link == DLT_EN10MB) {
        const enum tg_err err = tg_strip(frame->bytes, frame->length_bytes, found);
        *payload = frame->bytes + found->payload_offset;
        *payload_offset = found->payload_offset;
        return err;
    }
    uint32_t skip;
    uint16_t type;
    if (!link_header(link, frame, &skip, &type)) {
        return TG_E_NOT_IP_UDP;
    }
    const uint32_t length = frame->length_bytes - skip;
    dressed[12] = (uint8_t)(type >> 8);
    dressed[13] = (uint8_t)type;
    memcpy(dressed + ETHERNET_OCTETS, frame->bytes + skip, length);
    const enum tg_err err = tg_strip(dressed, ETHERNET_OCTETS + length, found);
    *payload = frame->bytes + skip + found->payload_offset - ETHERNET_OCTETS;
    *payload_offset = skip + found->payload_offset - ETHERNET_OCTETS;
    return err;
}

static bool frame_feed(struct tg_decode_reader *reader, const struct tg_decode_capture *capture,
                       int link, const struct frame *frame)
{
    struct tg_strip found = {.payload_offset = ETHERNET_OCTETS};
    const uint8_t *payload = NULL;
    uint32_t payload_offset = 0;
    struct tg_decode_origin origin = {
        .file = capture->path, .offset_bytes = frame->offset_bytes, .frame_index = frame->index};
    reader->frames_count++;
    const enum tg_err err = frame_strip(link, frame, &found, &payload, &payload_offset);
    if (err == TG_E_NOT_IP_UDP) {
        reader->not_udp_count++;
        return true;
    }
    if (err != TG_OK) {
        const struct tg_decode_refusal line = {
            .origin = origin, .length_bytes = frame->length_bytes, .reason = err};
        tg_decode_feed_refuse(reader->feed, &line);
        return true;
    }
    if (reader->port != 0 && found.destination_port != reader->port) {
        reader->other_port_count++;
        return true;
    }
    struct tg_input input = {.bytes = payload,
                             .length_bytes = found.payload_bytes,
                             .local_port = found.destination_port,
                             .arrival_ns = frame->arrival_ns};
    memcpy(input.from.address, found.source_address, sizeof input.from.address);
    input.from.port = found.source_port;
    origin.offset_bytes += payload_offset;
    origin.from = &input.from;
    const uint32_t slot = tg_decode_feed_probe(reader->feed, payload, found.payload_bytes);
    return tg_decode_feed_input(reader->feed, slot, &input, &origin);
}

static enum tg_err frames_feed(struct tg_decode_reader *reader,
                               const struct tg_decode_capture *capture, pcap_t *pcap,
                               struct tg_why *why)
{
    struct frame frame = {.index = 0};
    struct pcap_pkthdr *header = NULL;
    uint64_t end = 0;
    int code;
    while ((code = pcap_next_ex(pcap, &header, &frame.bytes)) == 1) {
        const long place = ftell(pcap_file(pcap));
        end = place >= 0 ? (uint64_t)place : 0;
        frame.length_bytes = header->caplen;
        frame.offset_bytes = frame_offset(capture, end, header->caplen);
        frame.index++;
        frame.arrival_ns = (int64_t)header->ts.tv_sec * TG_NS_PER_S + header->ts.tv_usec;
        if (header->caplen > FRAME_BYTES_MAX) {
            const struct tg_decode_refusal line = {.origin = {.file = capture->path,
                                                              .offset_bytes = frame.offset_bytes,
                                                              .frame_index = frame.index},
                                                   .length_bytes = header->caplen,
                                                   .reason = TG_E_LENGTH};
            tg_decode_feed_refuse(reader->feed, &line);
        } else if (!frame_feed(reader, capture, pcap_datalink(pcap), &frame)) {
            return tg_why_set(why, TG_E_IO, "standard output cannot be written to");
        }
        tg_progress_step(reader->progress, reader->done_bytes + end);
    }
    if (code != PCAP_ERROR_BREAK) {
        const uint64_t left = capture->length_bytes - end;
        const struct tg_decode_refusal line = {
            .origin = {.file = capture->path, .offset_bytes = end, .frame_index = frame.index + 1},
            .length_bytes = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX,
            .reason = TG_E_TRUNCATED,
            .note = pcap_geterr(pcap)};
        tg_decode_feed_refuse(reader->feed, &line);
    }
    return TG_OK;
}

enum tg_err tg_decode_capture(struct tg_decode_reader *reader,
                              const struct tg_decode_capture *capture, struct tg_why *why)
{
    char said[PCAP_ERRBUF_SIZE];
    /* From memory: what came through a pipe cannot be opened again. */
    FILE *file = fmemopen((void *)(uintptr_t)capture->bytes, capture->length_bytes, "r");
    if (file == NULL) {
        return tg_why_set(why, TG_E_NO_MEMORY, "%s: no memory to read it", capture->path);
    }
    pcap_t *pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, said);
    if (pcap == NULL) {
        (void)fclose(file);
        const struct tg_decode_refusal line = {.origin = {.file = capture->path},
                                               .length_bytes = capture->length_bytes < UINT32_MAX
                                                                   ? (uint32_t)capture->length_bytes
                                                                   : UINT32_MAX,
                                               .reason = TG_E_SYNTAX,
                                               .note = said};
        tg_decode_feed_refuse(reader->feed, &line);
        return TG_OK;
    }
    const int link = pcap_datalink(pcap);
    enum tg_err err;
    if (link_is_known(link)) {
        err = frames_feed(reader, capture, pcap, why);
    } else {
        const char *name = pcap_datalink_val_to_name(link);
        err = tg_why_set(why, TG_E_UNSUPPORTED,
                         "%s: frames of link type %s carry no IP that can be read; capture on an "
                         "Ethernet interface",
                         capture->path, name != NULL ? name : "unknown");
    }
    pcap_close(pcap);
    return err;
}

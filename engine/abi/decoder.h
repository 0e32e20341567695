/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Decoder contract: a burst of datagrams or file chunks in, rows and observations out.
 *
 *  Source: Tollgate ABI 1; message sequence semantics RFC 7011 3.1, RFC 3954 5.1, Cisco NetFlow v5.
 *  Threads: one decoder state belongs to one ingest lcore. Allocates: only in open().
 *  Cost: see bench/micro.
 *
 *  Rules a decoder lives by:
 *  (1) Bytes are hostile. Read them through a bounds-checked cursor; a bad one is a refusal with a
 *      reason and an offset, never a guess and never a crash.
 *  (2) One refused record does not take its neighbours with it when the syntax allows going on.
 *  (3) No system call, no allocation, no clock in decode(): arrival_ns is the only time.
 *  (4) The output is a pure function of (state, inputs): replaying the same inputs gives the same
 *      rows, byte for byte.
 */
#ifndef TG_ABI_DECODER_H
#define TG_ABI_DECODER_H

#include "abi/err.h"
#include "abi/plugin.h"
#include "abi/usage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A decoder is given room for at least this many rows and may ask to be called again. */
#define TG_DECODE_ROWS_MIN 256u

/** @brief Where a datagram came from; IPv4 is stored as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
struct tg_endpoint {
    uint8_t address[16]; /**< Network order. */
    uint16_t port;       /**< Host order; 0 for files. */
    uint16_t reserved;   /**< 0. */
};

/** @brief One datagram payload or one chunk of a file; borrowed until decode() returns. */
struct tg_input {
    const uint8_t *bytes; /**< Payload. For files: whole lines, last one possibly unterminated. */
    uint32_t length_bytes;    /**< 1..65535 for datagrams, up to 1 MiB for file chunks. */
    uint16_t source_id;       /**< Exporter (address) or file source; stable across restarts. */
    uint16_t local_port;      /**< UDP port it was sent to, host order; 0 for files. */
    struct tg_endpoint from;  /**< Sender; all zero for files. */
    int64_t arrival_ns;       /**< UTC time of arrival (pcap time when replayed). */
    uint64_t offset_bytes;    /**< Files: offset of bytes[0] in the file. Datagrams: 0. */
    uint64_t file_key;        /**< Files: hash of the file's identity; datagrams: 0. */
    uint32_t first_line;      /**< Files: 1-based number of the first line. */
    uint32_t flags;           /**< enum tg_input_flag. */
};

/** @brief Bits of tg_input.flags. */
enum tg_input_flag {
    TG_INPUT_LAST_CHUNK = 1, /**< Nothing of this file follows. */
    TG_INPUT_REPLAY = 2      /**< Rebuild state only; rows are thrown away by the caller. */
};

/** @brief How a message's sequence number counts. */
enum tg_sequence_kind {
    TG_SEQUENCE_NONE = 0,     /**< No sequence in this protocol. */
    TG_SEQUENCE_RECORDS = 1,  /**< Number of records before this message (v5, RFC 7011). */
    TG_SEQUENCE_MESSAGES = 2  /**< +1 a message (RFC 3954). */
};

/** @brief Bits of tg_message.flags. */
enum tg_message_flag {
    TG_MESSAGE_CHANGED_STATE = 1, /**< Templates changed or data was parked: journal the input. */
    TG_MESSAGE_WANTS_ANSWER = 2,  /**< Call answer() for it once its rows are durable. */
    TG_MESSAGE_HAS_UPTIME = 4     /**< uptime_ms is valid. */
};

/** @brief What the decoder says about one input. */
struct tg_message {
    int64_t export_ns;        /**< Header's own time, UTC; arrival when it has none. */
    uint32_t domain;          /**< Observation domain, source id or engine; 0 if none. */
    uint32_t sequence;        /**< Header's sequence number. */
    uint32_t records_count;   /**< Records this message advances the sequence by. */
    uint32_t uptime_ms;       /**< Exporter's uptime when TG_MESSAGE_HAS_UPTIME. */
    int16_t verdict;          /**< enum tg_err for the message as a whole; TG_OK when usable. */
    uint8_t sequence_kind;    /**< enum tg_sequence_kind. */
    uint8_t flags;            /**< enum tg_message_flag. */
    uint32_t error_offset;    /**< Offset of the first fault within the input. */
    uint32_t options_count;   /**< Of records_count: records about the exporter (RFC 7011 3.4.2),
                                   which some exporters leave out of the sequence number. */
    uint32_t reserved;        /**< 0. */
};

/** @brief Bytes that became no row: each is one record for the audit. */
struct tg_refusal {
    uint32_t input_index;  /**< Which input of the call; UINT32_MAX: bytes are in the text arena. */
    uint32_t offset_bytes; /**< Within the input (or the arena). */
    uint32_t length_bytes; /**< How many bytes are refused, at least 1. */
    int16_t reason;        /**< enum tg_err. TG_E_PARKED: held, not refused, until released. */
    uint16_t source_id;    /**< The input's. */
    uint64_t record_key;   /**< For TG_E_PARKED: identity that a release names again. */
    const char *field;     /**< Static text naming the field at fault, or NULL. */
};

/** @brief Type of a field's bytes, after RFC 7011 6.1. */
enum tg_field_type {
    TG_FIELD_OCTETS = 0,   /**< Opaque: printed as hex. */
    TG_FIELD_UNSIGNED = 1, /**< 1..8 octets, big-endian. */
    TG_FIELD_SIGNED = 2,   /**< 1..8 octets, two's complement. */
    TG_FIELD_STRING = 3,   /**< UTF-8. */
    TG_FIELD_IP4 = 4,      /**< 4 octets. */
    TG_FIELD_IP6 = 5,      /**< 16 octets. */
    TG_FIELD_MAC = 6,      /**< 6 octets. */
    TG_FIELD_BOOLEAN = 7,  /**< 1 true, 2 false (RFC 7011 6.1.5). */
    TG_FIELD_SECONDS = 8,  /**< u32 since 1970. */
    TG_FIELD_MILLISECONDS = 9, /**< u64 since 1970. */
    TG_FIELD_MICROSECONDS = 10, /**< NTP timestamp (RFC 7011 6.1.9). */
    TG_FIELD_NANOSECONDS = 11,  /**< NTP timestamp (RFC 7011 6.1.10). */
    TG_FIELD_FLOAT = 12         /**< IEEE 754 4 or 8 octets; printed only, never used. */
};

/** @brief One field as found on the wire; written only when somebody asked (`tollgate decode`). */
struct tg_field {
    const uint8_t *bytes;  /**< Borrowed: the input, or static. */
    const char *name;      /**< Standard's name, static; NULL when unknown. */
    uint32_t enterprise;   /**< Private enterprise number; 0 IANA. */
    uint32_t row_index;    /**< Row in this call's rows. */
    uint16_t element;      /**< Information element or attribute number. */
    uint16_t length_bytes; /**< Length. */
    uint8_t type;          /**< enum tg_field_type. */
    uint8_t reserved[3];   /**< 0. */
};

/** @brief Where a row's usage took place, as the wire names it: the caller finds the catalog's
 *  network of that PLMN and sets tg_usage.serving_network, which decoders leave 0. */
struct tg_row_network {
    uint32_t row_index; /**< Row in this call's rows. */
    uint32_t plmn;      /**< tg_plmn_pack of mobile country and network code. */
};

/**
 * @brief Everything a decode call may produce; the caller owns all arrays and resets the counts.
 *
 * A decoder appends and never exceeds a capacity. When rows, observations, sessions, refusals or
 * text run out it stops, remembers where, and returns the number of inputs it finished; the caller
 * drains and calls again with the unfinished input first and unchanged.
 */
struct tg_decoded {
    uint32_t size_bytes; /**< sizeof(struct tg_decoded) of the caller. */

    uint32_t rows_capacity;           /**< At least TG_DECODE_ROWS_MIN. */
    uint32_t rows_count;              /**< Rows appended. */
    struct tg_usage *rows;            /**< Shape [rows_capacity]. */
    uint32_t *rows_input;             /**< Input index each row came from; shape [rows_capacity]. */

    uint32_t observations_capacity;   /**< At least 64. */
    uint32_t observations_count;      /**< Observations appended. */
    struct tg_observation *observations; /**< Shape [observations_capacity]. */

    uint32_t sessions_capacity;       /**< At least 64. */
    uint32_t sessions_count;          /**< Sessions appended. */
    struct tg_session *sessions;      /**< Shape [sessions_capacity]. */

    uint32_t refusals_capacity;       /**< At least 64. */
    uint32_t refusals_count;          /**< Refusals appended. */
    struct tg_refusal *refusals;      /**< Shape [refusals_capacity]. */

    uint32_t text_capacity_bytes;     /**< At least 65536. */
    uint32_t text_bytes;              /**< Bytes used. */
    uint8_t *text;                    /**< Arena for texts and released parked bytes. */

    uint32_t released_capacity;       /**< At least 64. */
    uint32_t released_count;          /**< Keys appended. */
    uint64_t *released_keys; /**< record_key of parked pieces that are decoded or refused now. */

    struct tg_message *messages;      /**< One per input; shape [inputs_count]. */

    uint32_t fields_capacity;         /**< 0 when nobody wants fields: the fast path. */
    uint32_t fields_count;            /**< Fields appended; silently stops at the capacity. */
    struct tg_field *fields;          /**< Shape [fields_capacity] or NULL. */

    /* Behind what the first callers knew: there when size_bytes says so (tg_out_network asks). */
    uint32_t networks_capacity;       /**< rows_capacity, or 0: the caller does not ask. */
    uint32_t networks_count;          /**< Networks appended, in the order of rows. */
    struct tg_row_network *networks;  /**< Shape [networks_capacity] or NULL. */
};

/** @brief What a decoder is opened with; borrowed until open() returns. */
struct tg_decoder_config {
    uint32_t size_bytes;               /**< sizeof of the caller's struct. */
    uint32_t settings_count;           /**< How many. */
    const struct tg_setting *settings; /**< From the configuration's `decoders:` entry. */
    uint64_t hash_seed;                /**< For tables that hostile senders can aim at. */
};

/** @brief The contract. Optional functions may be NULL. */
struct tg_decoder {
    uint32_t size_bytes;   /**< sizeof(struct tg_decoder). */
    uint32_t state_version; /**< Version of save()'s format. */

    /** Is this payload mine? Looks at a few bytes. NULL: whatever the configuration sends. */
    bool (*probe)(const uint8_t *bytes, uint32_t length_bytes);

    /** Make a state; the only place that may allocate. On failure *state is NULL, why is filled. */
    enum tg_err (*open)(const struct tg_decoder_config *config, void **state,
                        struct tg_complaint *why);

    /** Free a state; accepts NULL. */
    void (*close)(void *state);

    /** Decode inputs[0..inputs_count). Returns inputs finished, 0..inputs_count. */
    uint32_t (*decode)(void *state, const struct tg_input *inputs, uint32_t inputs_count,
                       struct tg_decoded *out);

    /**
     * Optional. Build the answer to an input whose message wanted one.
     * Returns bytes written, 0 when there is nothing to say.
     */
    uint32_t (*answer)(void *state, const struct tg_input *input, uint8_t *bytes,
                       uint32_t capacity_bytes);

    /**
     * Optional. Serialise what must survive a restart (templates, parked data).
     * Returns bytes needed; writes only when that is <= capacity_bytes.
     */
    size_t (*save)(const void *state, uint8_t *bytes, size_t capacity_bytes);

    /** Optional. Restore from save(). TG_E_FORMAT, TG_E_CORRUPT leave the state empty. */
    enum tg_err (*load)(void *state, const uint8_t *bytes, size_t length_bytes);

    /**
     * Optional. Give up on what was parked before event time `before_ns`: appends the pieces as
     * refusals (TG_E_NO_TEMPLATE, bytes in the text arena) and their keys as released.
     * Returns true when more remains for another call.
     */
    bool (*expire)(void *state, int64_t before_ns, struct tg_decoded *out);
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 *  @brief Every way Tollgate can refuse something: one enum for calls, verdicts and suspense
 * reasons.
 *
 *  Source: suspense reasons after the mediation practice of 3GPP TS 32.298 / TS 32.297 error
 * records. Threads: constants only. Allocates: never. Cost: none.
 *
 *  Values are pinned for life: they are stored in journals. A new one takes the next free number of
 *  its block; a retired one is never given out again.
 */
#ifndef TG_ABI_ERR_H
#define TG_ABI_ERR_H

#include <stdint.h>

/* X(name, value, "TEXT_NAME", "sentence for a person") */
#define TG_ERR_LIST(X)                                                                             \
    X(TG_OK, 0, "OK", "no error")                                                                  \
    /* general: -1 .. -49 */                                                                       \
    X(TG_E_INVALID, -1, "INVALID", "an argument is outside what the call accepts")                 \
    X(TG_E_NO_MEMORY, -2, "NO_MEMORY", "memory could not be had")                                  \
    X(TG_E_FULL, -3, "FULL", "a bounded table or buffer is full")                                  \
    X(TG_E_NOT_FOUND, -4, "NOT_FOUND", "nothing is stored under that name")                        \
    X(TG_E_EXISTS, -5, "EXISTS", "the name is already taken")                                      \
    X(TG_E_OVERFLOW, -6, "OVERFLOW", "a number does not fit its field")                            \
    X(TG_E_TRUNCATED, -7, "TRUNCATED", "the input ends inside a field")                            \
    X(TG_E_SYNTAX, -8, "SYNTAX", "the text does not follow the grammar")                           \
    X(TG_E_UNSUPPORTED, -9, "UNSUPPORTED", "a valid form that this build does not read")           \
    X(TG_E_STATE, -10, "STATE", "the object is not in a state that allows this")                   \
    X(TG_E_AGAIN, -11, "AGAIN", "not now; call again")                                             \
    X(TG_E_INTERRUPTED, -12, "INTERRUPTED", "stopped by request")                                  \
    /* decoding: -100 .. -199 */                                                                   \
    X(TG_E_VERSION, -100, "UNSUPPORTED_VERSION", "the protocol version is not one we read")        \
    X(TG_E_COUNT, -101, "BAD_COUNT", "the record count in the header cannot be true")              \
    X(TG_E_LENGTH, -102, "BAD_LENGTH", "a length field contradicts the bytes that are there")      \
    X(TG_E_TEMPLATE, -103, "BAD_TEMPLATE", "a template that cannot be used")                       \
    X(TG_E_NO_TEMPLATE, -104, "NO_TEMPLATE", "data came and its template never did")               \
    X(TG_E_TEMPLATE_LIMIT, -105, "TEMPLATE_LIMIT",                                                 \
      "the exporter sent more templates than allowed")                                             \
    X(TG_E_AUTHENTICATOR, -106, "BAD_AUTHENTICATOR", "the message authenticator does not verify")  \
    X(TG_E_UNKNOWN_CLIENT, -107, "UNKNOWN_CLIENT",                                                 \
      "no shared secret is configured for the sender")                                             \
    X(TG_E_MISSING_FIELD, -108, "MISSING_MANDATORY", "a field that rating needs is absent")        \
    X(TG_E_BAD_TIMESTAMP, -109, "BAD_TIMESTAMP",                                                   \
      "the time of the event cannot be read or is absurd")                                         \
    X(TG_E_BAD_NUMBER, -110, "BAD_NUMBER", "a telephone number or IMSI has other than digits")     \
    X(TG_E_DECODE_SYNTAX, -111, "DECODE_SYNTAX", "the bytes do not follow the record's syntax")    \
    X(TG_E_NEGATIVE_USAGE, -112, "NEGATIVE_USAGE", "a usage quantity is below zero")               \
    X(TG_E_NO_DECODER, -113, "NO_DECODER", "no decoder is configured for this input")              \
    X(TG_E_PARK_FULL, -114, "PARK_FULL", "too much data waits for templates")                      \
    X(TG_E_FRAGMENT, -115, "IP_FRAGMENT", "an IP fragment; exporters must send whole datagrams")   \
    X(TG_E_CHECKSUM, -116, "BAD_CHECKSUM", "a checksum does not match")                            \
    X(TG_E_NOT_IP_UDP, -117, "NOT_UDP", "a frame that carries no UDP over IP")                     \
    /* mediation: -200 .. -299 */                                                                  \
    X(TG_E_UNKNOWN_NODE, -200, "UNKNOWN_NODE", "no node is configured with that address")          \
    X(TG_E_UNKNOWN_SUBSCRIBER, -201, "UNKNOWN_SUBSCRIBER",                                         \
      "nobody holds that number or address at that time")                                          \
    X(TG_E_SUBSCRIBER_INACTIVE, -202, "SUBSCRIBER_INACTIVE_AT_EVENT",                              \
      "the subscription was not active then")                                                      \
    X(TG_E_DUPLICATE, -203, "DUPLICATE", "the same record was accepted before")                    \
    X(TG_E_DUP_CONFLICT, -204, "DUP_CONFLICT", "same record key as before, different content")     \
    X(TG_E_TOO_OLD, -205, "TOO_OLD_FOR_DUPCHECK", "older than the window that finds duplicates")   \
    X(TG_E_FUTURE_EVENT, -206, "FUTURE_EVENT", "the event lies in the future of its arrival")      \
    X(TG_E_ZERO_USAGE, -207, "ZERO_DURATION", "the record reports no usage")                       \
    X(TG_E_OPTIONS_RECORD, -208, "OPTIONS_RECORD", "exporter metadata, not usage")                 \
    X(TG_E_SOURCE_FILTERED, -209, "SOURCE_FILTERED", "the source is configured not to be rated")   \
    X(TG_E_SEQUENCE_GAP, -210, "SEQUENCE_GAP", "records before this one never arrived")            \
    X(TG_E_ASSEMBLY_INCOMPLETE, -211, "ASSEMBLY_INCOMPLETE", "parts of the call are missing")      \
    X(TG_E_NODE_DOWN_HOLD, -212, "NODE_DOWN_HOLD", "usage from a node that was provably down")     \
    X(TG_E_TOPIC_FILTERED, -213, "FILTERED", "a configured filter dropped the record")             \
    X(TG_E_PARKED, -214, "PARKED", "waits for its template")                                       \
    X(TG_E_MERGED, -215, "MERGED", "became part of another record")                                \
    X(TG_E_UNKNOWN_NETWORK, -216, "UNKNOWN_NETWORK", "no network of the catalog has that PLMN")    \
    X(TG_E_SUBSCRIPTION_SUSPENDED, -217, "SUBSCRIPTION_SUSPENDED",                                 \
      "the subscription was suspended then")                                                       \
    /* rating: -300 .. -399 */                                                                     \
    X(TG_E_NO_PLAN, -300, "NO_PLAN", "the subscription has no price plan for that service")        \
    X(TG_E_NO_RATE, -301, "NO_RATE", "no price covers that destination, zone or time")             \
    X(TG_E_AMOUNT_OVERFLOW, -302, "AMOUNT_OVERFLOW", "the amount does not fit 64 bits")            \
    X(TG_E_NO_EXCHANGE_RATE, -303, "NO_EXCHANGE_RATE", "no exchange rate covers that day")         \
    X(TG_E_NOT_BILLABLE, -304, "NOT_BILLABLE",                                                     \
      "the closing cause or grace makes it free of charge")                                        \
    X(TG_E_PERIOD_CLOSED, -305, "PERIOD_CLOSED",                                                   \
      "later usage has closed the period: counters keep the newest and the one before")            \
    X(TG_E_AMBIGUOUS_RATE, -306, "AMBIGUOUS_RATE", "two prices claim the same usage")              \
    X(TG_E_NO_CREDIT, -307, "NO_CREDIT", "the balance and credit limit pay for none of it")        \
    X(TG_E_NOT_PREPAID, -308, "NOT_PREPAID", "the account is not prepaid")                         \
    /* storage: -400 .. -499 */                                                                    \
    X(TG_E_IO, -400, "IO", "the operating system refused a read or write")                         \
    X(TG_E_CORRUPT, -401, "CORRUPT", "stored bytes do not match their checksum")                   \
    X(TG_E_NO_SPACE, -402, "NO_SPACE", "the disk or map is full")                                  \
    X(TG_E_FORMAT, -403, "FORMAT", "stored by a version of Tollgate that this one does not read")  \
    X(TG_E_LOCKED, -404, "LOCKED", "another process holds the data directory")                     \
    X(TG_E_DATABASE, -405, "DATABASE", "LMDB refused an operation")                                \
    X(TG_E_CHAIN, -406, "CHAIN", "a journal block does not follow the one before it")              \
    /* plug-ins: -500 .. -599 */                                                                   \
    X(TG_E_PLUGIN_OPEN, -500, "PLUGIN_OPEN", "the shared object cannot be loaded")                 \
    X(TG_E_PLUGIN_ABI, -501, "PLUGIN_ABI", "built against another version of the contract")        \
    X(TG_E_PLUGIN_ENTRY, -502, "PLUGIN_ENTRY", "exports no usable entry symbol")                   \
    X(TG_E_PLUGIN_CRASH, -503, "PLUGIN_CRASH", "crashed while it was loaded or called")            \
    X(TG_E_PLUGIN_RANGE, -504, "PLUGIN_RANGE", "returned an amount outside the allowed range")     \
    X(TG_E_PLUGIN_COUNT, -505, "PLUGIN_COUNT", "returned another number of results than asked")    \
    X(TG_E_PLUGIN_QUARANTINED, -506, "PLUGIN_QUARANTINED", "taken out of use after a fault")       \
    X(TG_E_PLUGIN_TIMEOUT, -507, "PLUGIN_TIMEOUT", "used more time than its budget")               \
    X(TG_E_PLUGIN_PARAMS, -508, "PLUGIN_PARAMS", "refused the parameters it was given")            \
    X(TG_E_PLUGIN_ERROR, -509, "PLUGIN_ERROR", "gave no answer, or an error of its own")           \
    X(TG_E_PLUGIN_CURRENCY, -510, "PLUGIN_CURRENCY", "answered in another currency")               \
    /* ports: -600 .. -699 */                                                                      \
    X(TG_E_EAL, -600, "EAL", "DPDK's environment layer did not start")                             \
    X(TG_E_PORT_OPEN, -601, "PORT_OPEN", "the port cannot be opened")                              \
    X(TG_E_PORT_IO, -602, "PORT_IO", "the port stopped working")                                   \
    X(TG_E_UNREACHABLE, -603, "UNREACHABLE", "nobody answers there")                               \
    /* catalog, configuration: -700 .. -799 */                                                     \
    X(TG_E_DOCUMENT, -700, "DOCUMENT", "the document has mistakes; they are listed")               \
    X(TG_E_CATALOG, -701, "CATALOG", "no usable catalog is imported")                              \
    X(TG_E_CATALOG_VERSION, -702, "CATALOG_VERSION", "no catalog version is valid at that time")   \
    /* ledger, bill: -800 .. -899 */                                                               \
    X(TG_E_UNBALANCED, -800, "UNBALANCED", "the sums that must agree do not")                      \
    X(TG_E_ISSUED, -801, "ISSUED", "the invoice is issued and cannot change")                      \
    X(TG_E_NOT_DURABLE, -802, "NOT_DURABLE", "a write could not be made durable")                  \
    /* health: -900 .. -949 */                                                                     \
    X(TG_E_ALARM_STATE, -900, "ALARM_STATE", "the alarm is not in a state that allows this")

/** @brief Result of a call, verdict on a row, or reason in suspense. 0 is fine, all else is not. */
enum tg_err {
#define TG_ERR_ENUM(name, value, text, sentence) name = value,
    TG_ERR_LIST(TG_ERR_ENUM)
#undef TG_ERR_ENUM
};

#endif
